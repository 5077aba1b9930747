//! Which addresses may be called: public ones, and those that the project declares. It is asked of the
//! addresses that a name stands for, which are those then connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// An address, or all that begin with its first bits: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address or range; write \"127.0.0.1\" or \"10.0.0.0/8\"");
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(all), |b| b.trim().parse()).map_err(|_| wrong())?;
        if bits > all { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl Range {
    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    const fn v6(a: u16, b: u16, bits: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)), bits }
    }

    /// Whether the address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            _ => false,
        }
    }
}

/// What of IPv4 is not public, as IANA lists it.
const NOT_PUBLIC_V4: [Range; 16] = [
    Range::v4(0, 0, 0, 0, 8),
    Range::v4(10, 0, 0, 0, 8),
    Range::v4(100, 64, 0, 0, 10),
    Range::v4(127, 0, 0, 0, 8),
    Range::v4(169, 254, 0, 0, 16),
    Range::v4(172, 16, 0, 0, 12),
    Range::v4(192, 0, 0, 0, 24),
    Range::v4(192, 0, 2, 0, 24),
    Range::v4(192, 31, 196, 0, 24),
    Range::v4(192, 88, 99, 0, 24),
    Range::v4(192, 168, 0, 0, 16),
    Range::v4(198, 18, 0, 0, 15),
    Range::v4(198, 51, 100, 0, 24),
    Range::v4(203, 0, 113, 0, 24),
    Range::v4(224, 0, 0, 0, 4),
    Range::v4(240, 0, 0, 0, 4),
];
/// Of IPv6 only this is public, but for the four below, among them those that carry an IPv4 address.
const PUBLIC_V6: Range = Range::v6(0x2000, 0, 3);
const NOT_PUBLIC_V6: [Range; 4] = [
    Range::v6(0x2001, 0, 23),
    Range::v6(0x2001, 0xdb8, 32),
    Range::v6(0x2002, 0, 16),
    Range::v6(0x3fff, 0, 20),
];

/// Whether anybody on the internet could be meant by it.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !NOT_PUBLIC_V4.iter().any(|r| r.holds(address)),
        IpAddr::V6(_) => PUBLIC_V6.holds(address) && !NOT_PUBLIC_V6.iter().any(|r| r.holds(address)),
    }
}

/// Finds the addresses of a name, and keeps those that may be called.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) allow: Vec<Range>,
    pub(super) names: DefaultResolver,
}

impl Guarded {
    fn may(&self, address: SocketAddr, secret: bool) -> bool {
        // An IPv4 address in the clothes of IPv6 is what it is.
        let address = address.ip().to_canonical();
        self.allow.iter().any(|r| r.holds(address)) || secret && is_public(address)
    }
}

/// That a name stands only for addresses that may not be called.
#[derive(Debug, thiserror::Error)]
#[error("its address may not be called")]
pub(super) struct Forbidden {
    /// Whether TLS would have made it possible.
    pub(super) clear: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        let secret = uri.scheme_str() == Some("https");
        let mut kept = self.empty();
        for address in found.iter().filter(|a| self.may(**a, secret)) {
            kept.push(*address);
        }
        if kept.is_empty() {
            let clear = !secret && found.iter().any(|a| self.may(*a, true));
            return Err(ureq::Error::Other(Box::new(Forbidden { clear })));
        }
        Ok(kept)
    }
}
