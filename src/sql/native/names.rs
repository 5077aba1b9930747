//! The parts of a person's full name.

/// First, middle and last name; titles and suffixes are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FullName {
    pub(super) first: Option<String>,
    pub(super) middle: Option<String>,
    pub(super) last: Option<String>,
}

impl FullName {
    /// Reads `Dr. Ada M. King Jr.` and `King, Ada M.`; a single word is a first name.
    pub(super) fn read(text: &str) -> Self {
        let mut parts = text.split(',').map(|p| p.split_whitespace().collect::<Vec<_>>());
        let mut before = parts.next().unwrap_or_default();
        let after = parts.flatten().collect::<Vec<_>>();
        if after.iter().all(|word| is_suffix(word)) {
            drop_titles(&mut before);
            drop_suffixes(&mut before, 2);
            return Self::given_first(&before);
        }
        let mut given = after;
        drop_titles(&mut given);
        drop_suffixes(&mut given, 1);
        drop_titles(&mut before);
        drop_suffixes(&mut before, 1);
        let (first, middle) = given.split_first().map_or((None, &[][..]), |(f, m)| (Some(*f), m));
        Self { first: first.map(str::to_owned), middle: joined(middle), last: joined(&before) }
    }

    fn given_first(words: &[&str]) -> Self {
        let Some((first, rest)) = words.split_first() else { return Self::default() };
        let particles = rest.iter().rev().skip(1).take_while(|word| is_particle(word)).count();
        let last = rest.len().saturating_sub(1 + particles);
        let (middle, last) = rest.split_at(last.min(rest.len()));
        Self { first: Some((*first).to_owned()), middle: joined(middle), last: joined(last) }
    }
}

fn joined(words: &[&str]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

fn drop_titles(words: &mut Vec<&str>) {
    let titles = words.iter().take_while(|w| TITLES.contains(&key(w).as_str())).count();
    words.drain(..titles.min(words.len().saturating_sub(1)));
}

/// Takes suffixes off the end as long as more than `keep` words are there.
fn drop_suffixes(words: &mut Vec<&str>, keep: usize) {
    while words.len() > keep && words.last().is_some_and(|w| is_suffix(w)) {
        words.pop();
    }
}

fn is_suffix(word: &str) -> bool {
    SUFFIXES.contains(&key(word).as_str())
}

fn is_particle(word: &str) -> bool {
    PARTICLES.contains(&word.to_lowercase().as_str())
}

fn key(word: &str) -> String {
    word.chars().filter(|c| *c != '.').flat_map(char::to_lowercase).collect()
}

const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "sir",
    "dame",
    "lord",
    "lady",
    "rev",
    "reverend",
    "hon",
    "capt",
    "col",
    "gen",
    "lt",
    "maj",
    "sgt",
    "herr",
    "frau",
    "mme",
    "mlle",
    "mag",
    "ing",
];

const SUFFIXES: &[&str] = &[
    "jr", "sr", "ii", "iii", "iv", "phd", "md", "dds", "dvm", "esq", "cpa", "mba", "jd", "rn", "msc", "bsc",
    "ba", "ma", "obe", "mbe",
];

const PARTICLES: &[&str] = &[
    "van", "von", "vom", "zu", "zum", "zur", "der", "den", "ter", "ten", "te", "de", "del", "della", "di",
    "da", "das", "do", "dos", "du", "des", "la", "le", "las", "los", "y", "bin", "ibn", "ben", "al", "el",
    "af", "av", "st.", "san", "santa",
];
