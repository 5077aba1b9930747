//! What values of options may be; each refusal says how the value is written.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};

/// An e-mail address.
pub fn email(text: &str) -> Result<String, String> {
    if email_address::EmailAddress::is_valid(text) {
        return Ok(text.to_owned());
    }
    Err("it is no e-mail address; one is written like you@example.com".to_owned())
}

/// A number of things, of which there is at least one.
pub fn some<T: TryFrom<i64>>(text: &str) -> Result<T, String> {
    whole(text, 1, "a whole number, 1 or more")
}

/// A number of things, of which there may be none.
pub fn any<T: TryFrom<i64>>(text: &str) -> Result<T, String> {
    whole(text, 0, "a whole number, 0 or more")
}

/// The id of a webhook event.
pub fn event(text: &str) -> Result<i64, String> {
    whole(text, 1, "an event's id, as `sconn events list` tells it")
}

fn whole<T: TryFrom<i64>>(text: &str, least: i64, written: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number >= least);
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let large = digits && text.len() > 18;
        format!("write {written}{}", if large { "; this one is too large" } else { "" })
    })
}

/// The name of a token: something that people can see and type.
pub fn name(text: &str) -> Result<String, String> {
    let seen = text.trim() == text && !text.is_empty() && !text.chars().any(char::is_control);
    if seen && text.chars().count() <= 100 {
        return Ok(text.to_owned());
    }
    Err("a name has 1 to 100 characters that can be seen, as in `ci`".to_owned())
}

/// Where a service listens: an address or a name with a port, or a port of the loopback address.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let written = "write ADDRESS:PORT, as in 127.0.0.1:8080, [::1]:8080 or localhost:8080, or only a port";
    let port = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if port.is_none() {
        return Err(written.to_owned());
    }
    let found: Vec<_> =
        text.to_socket_addrs().map_err(|_| format!("no such machine is known; {written}"))?.collect();
    // `localhost` is two addresses; the one that everything else here speaks of comes first.
    let first = found.iter().find(|a| a.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| format!("no such machine is known; {written}"))
}

/// A moment: as RFC 3339 writes it, the beginning of a day in UTC, or how long ago.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        return TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|e| e.to_string());
    }
    let ago = crate::project::parse_length(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| {
        "write a time, as in 2026-11-30T06:30:00Z, a day (in UTC), as in 2026-11-30, or how long ago: 30m, 6h, 2d"
            .to_owned()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_service_listens_where_it_is_told_in_any_usual_way() {
        for (text, address) in [
            ("8080", "127.0.0.1:8080"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:9000", "[::1]:9000"),
            ("localhost:9000", "127.0.0.1:9000"),
        ] {
            assert_eq!(listen(text).unwrap().to_string(), address, "{text}");
        }
        for wrong in ["", ":8080", "localhost", "127.0.0.1", "80800", "localhost:80800", "no.such.invalid:80"]
        {
            assert!(listen(wrong).unwrap_err().contains("127.0.0.1:8080"), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_a_time_a_day_or_how_long_ago() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("2026-11-30T06:30:00+01:00", "2026-11-30T05:30:00Z"),
            ("2026-11-29", "2026-11-29T00:00:00Z"),
            ("90m", "2026-11-30T10:30:00Z"),
            ("2d", "2026-11-28T12:00:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap().to_string(), at, "{text}");
        }
        for wrong in ["yesterday", "", "2026-13-01", "-1h", "99999999999d"] {
            assert!(moment(wrong, now).unwrap_err().contains("as in 2026-11-30T06:30:00Z"), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_whole_and_there_are_not_too_many() {
        assert_eq!((some::<i64>("1"), any::<usize>("0")), (Ok(1), Ok(0)));
        for wrong in ["", "x", "0", "-1", "1.5", "1,000"] {
            assert_eq!(some::<u64>(wrong), Err("write a whole number, 1 or more".to_owned()), "{wrong}");
        }
        assert!(event("99999999999999999999").unwrap_err().ends_with("; this one is too large"));
    }

    #[test]
    fn names_and_addresses_are_such() {
        assert_eq!((name("ci").unwrap(), name("night shift").unwrap()), ("ci".into(), "night shift".into()));
        for wrong in ["", " ", " ci", "a\nb", &"x".repeat(101)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
        assert!(email("you@example.com").is_ok());
        for wrong in ["", "nobody", "not an address", "a@b@c"] {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
    }
}
