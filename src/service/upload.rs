//! Uploads: the body of a request becomes files in a scratch folder. It is streamed, so that memory does
//! not grow with it, and the folder goes with the value, whatever becomes of the request.

mod gate;

use super::extract::{heard, media_type, too_slow};
use super::{ApiError, App};
use crate::life::{InputFile, io_words};
use crate::project::Project;
use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures::{Stream, StreamExt};
use gate::Gate;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

/// Parts of a form.
const MOST_PARTS: usize = 1000;
/// Bytes of a part that is no file.
const FIELD: usize = 64 << 10;
/// Bytes of a file's name.
const NAME: usize = 120;
/// Bytes a second, on average: who sends less holds a connection for nothing.
const SLOWEST: u64 = 1 << 10;

/// What a request brought: files, and the other fields of a form.
#[derive(Debug)]
pub struct Upload {
    /// The files, in the order in which they came.
    pub files: Vec<InputFile>,
    /// The SHA-256 of each.
    pub sha256: Vec<[u8; 32]>,
    /// The other fields.
    pub fields: Vec<(String, String)>,
    scratch: Scratch,
    pace: Pace,
}

/// How fast a body comes.
#[derive(Debug)]
struct Pace {
    begun: Instant,
    bytes: u64,
}

impl Pace {
    /// So many bytes more came.
    ///
    /// # Errors
    /// Where a sender that is never silent for long would still take for ever.
    fn came(&mut self, app: &App, bytes: usize) -> Result<(), ApiError> {
        self.bytes += bytes as u64;
        let time = self.begun.elapsed();
        if time > app.project().serve().silence && self.bytes < SLOWEST * time.as_secs() {
            return Err(too_slow(format!("{} bytes came in {} seconds", self.bytes, time.as_secs())));
        }
        Ok(())
    }
}

/// A folder of one request. Its lock goes with the process, so that one which was killed in the middle
/// leaves nothing that [`sweep`] would take for another's.
#[derive(Debug)]
struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Upload {
    /// What routes with uploads are layered with: beyond the project's limit a body is refused with 413.
    pub fn limit(app: &App) -> DefaultBodyLimit {
        DefaultBodyLimit::max(usize::try_from(app.project().serve().upload).unwrap_or(usize::MAX))
    }

    /// Nothing yet.
    async fn none(app: &App) -> Result<Self, ApiError> {
        let scratch = scratch(app).await?;
        let pace = Pace { begun: Instant::now(), bytes: 0 };
        Ok(Self { files: Vec::new(), sha256: Vec::new(), fields: Vec::new(), scratch, pace })
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Puts a file into the folder under a safe name, one that no other has.
    async fn keep<E>(
        &mut self,
        app: &App,
        name: &str,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), ApiError>
    where
        E: Broken,
    {
        let name = safe(name);
        let taken = |name: &str| self.files.iter().any(|f| f.name == name);
        let numbered = (2..).map(|n| format!("{n}-{name}"));
        let name = std::iter::once(name.clone()).chain(numbered).find(|n| !taken(n)).unwrap_or(name);
        let path = self.scratch.folder.path().join(&name);
        let mut file = tokio::fs::File::create_new(&path).await.map_err(disk)?;
        let mut body = std::pin::pin!(body);
        let mut size = 0;
        let mut digest = Sha256::new();
        while let Some(chunk) = next(app, &mut body, &mut self.pace).await? {
            size += chunk.len() as u64;
            if size > app.project().serve().upload {
                return Err(too_large(app));
            }
            digest.update(&chunk);
            file.write_all(&chunk).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        self.files.push(InputFile::new(path, name));
        self.sha256.push(digest.finalize().into());
        Ok(())
    }

    /// A form: its parts with a file name are files, the others fields. Of one that is too `large`, what stands before
    /// its files.
    async fn form(&mut self, app: &App, request: Request, large: bool) -> Result<(), ApiError> {
        let gate = Gate::default();
        let form = Multipart::from_request(gate.before(request), app).await;
        let mut form = form.map_err(|e| {
            ApiError::new(StatusCode::BAD_REQUEST, e.body_text(), "send a form with a boundary")
        })?;
        let broken = |e: MultipartError| match e.status() {
            _ if gate.refused() => headless(),
            _ => e.told(app),
        };
        for _ in 0..MOST_PARTS {
            let (part, bytes) = heard(app, gate.head(form.next_field())).await?;
            let Some(part) = part.map_err(broken)? else { return Ok(()) };
            self.pace.came(app, bytes)?;
            let (name, file) =
                (part.name().unwrap_or_default().to_owned(), part.file_name().map(str::to_owned));
            let mut part = gate.part(part);
            match file {
                // A file field of a page's form in which nothing was chosen.
                Some(file) if file.is_empty() => {
                    while next(app, &mut part, &mut self.pace).await?.is_some() {}
                }
                // It would be in vain.
                Some(_) if large => return Err(too_large(app)),
                Some(file) => self.keep(app, &file, part).await?,
                None => self.fields.push((name, text(app, &mut part, &mut self.pace).await?)),
            }
        }
        Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the form has more than {MOST_PARTS} parts"),
            "pack the files into a ZIP",
        ))
    }
}

impl FromRequest<App> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if is_large(request.headers(), app) {
            return Err(too_large(app));
        }
        let mut upload = Self::none(app).await?;
        let kind = media_type(request.headers());
        if kind.starts_with("multipart/") {
            upload.form(app, request, false).await?;
            return Ok(upload);
        }
        let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).unwrap_or_default();
        let said = query.0.into_iter().find(|(key, _)| key == "name").map(|(_, name)| name);
        let name = said.clone().unwrap_or_else(|| usual(&kind).to_owned());
        upload.keep(app, &name, request.into_body().into_data_stream()).await?;
        // Without a name, nothing at all is no file: a connector may need none.
        let empty = |file: &InputFile| file.path.metadata().is_ok_and(|m| m.len() == 0);
        if said.is_none() && upload.files.iter().all(empty) {
            upload.files.clear();
            upload.sha256.clear();
        }
        Ok(upload)
    }
}

/// A form of the page, read as far as it could be: what was typed is not to be lost with a file that is too large.
pub struct Sent {
    /// What was read of it.
    pub upload: Upload,
    /// Why it was not read to its end.
    pub refused: Option<ApiError>,
}

impl FromRequest<App> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let mut upload = Upload::none(app).await?;
        let large = is_large(request.headers(), app);
        let refused = upload.form(app, request, large).await.err();
        Ok(Self { upload, refused })
    }
}

/// Whether a request says itself that it is larger than the project allows.
fn is_large(headers: &HeaderMap, app: &App) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > app.project().serve().upload)
}

/// Removes what requests of processes that are gone have left.
pub(super) fn sweep(project: &Project) {
    for entry in std::fs::read_dir(project.uploads()).into_iter().flatten().flatten() {
        if File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

async fn scratch(app: &App) -> Result<Scratch, ApiError> {
    let uploads = app.project().uploads();
    let make = move || {
        std::fs::create_dir_all(&uploads)?;
        let folder = tempfile::tempdir_in(&uploads)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        Ok(Scratch { folder, _lock: lock })
    };
    tokio::task::spawn_blocking(make).await.map_err(|_| ApiError::broken())?.map_err(disk)
}

/// The text of a field of a form.
async fn text(
    app: &App,
    field: &mut (impl Stream<Item = Result<Bytes, MultipartError>> + Unpin),
    pace: &mut Pace,
) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next(app, field, pace).await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a field of the form has more than {FIELD} bytes"),
                "a file needs a file name: with curl, --form input=@prices.csv",
            ));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "a field of the form is not UTF-8", ""))
}

/// The next bytes of a body; none at its end.
async fn next<E>(
    app: &App,
    body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    pace: &mut Pace,
) -> Result<Option<Bytes>, ApiError>
where
    E: Broken,
{
    let chunk = heard(app, body.next()).await?.transpose().map_err(|e| e.told(app))?;
    pace.came(app, chunk.as_ref().map_or(0, Bytes::len))?;
    Ok(chunk)
}

/// Why a body could not be read to its end.
trait Broken {
    fn told(self, app: &App) -> ApiError;
}

impl Broken for axum::Error {
    fn told(self, _: &App) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "the body ended too early", "send it again")
    }
}

impl Broken for MultipartError {
    fn told(self, app: &App) -> ApiError {
        match self.status() {
            // Wherever in the form it came: in a file, in a field, or between them.
            StatusCode::PAYLOAD_TOO_LARGE => too_large(app),
            status => ApiError::new(status, self.body_text(), "send it again"),
        }
    }
}

fn headless() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("more than {} bytes came, and no part of the form had begun", gate::HEAD),
        "see that the form begins with its boundary, and that each part's head ends with an empty line",
    )
}

fn too_large(app: &App) -> ApiError {
    let limit = app.project().serve().upload;
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("an upload may have {limit} bytes"),
        "raise `upload` in the section [serve] of sconn.toml, or pack the input into a ZIP",
    )
}

fn disk(error: io::Error) -> ApiError {
    ApiError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        format!("the upload could not be kept: {}", io_words(&error)),
        "see that the service's disk has room and can be written to",
    )
}

/// The name of a raw body that has none, by its media type.
fn usual(kind: &str) -> &'static str {
    match kind {
        "application/zip" => "input.zip",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "input.xlsx",
        "application/vnd.ms-excel" => "input.xls",
        "text/tab-separated-values" => "input.tsv",
        _ => "input.csv",
    }
}

/// A file name that leads nowhere and shows as it is: its last part, without what a file system or a
/// terminal could take for something else, and not too long, with its ending.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| if c.is_control() || r#"<>:"|?*"#.contains(c) || is_invisible(c) { '_' } else { c })
        .collect();
    let plain = plain.trim().trim_start_matches('.');
    let (stem, ending) = match plain.rfind('.') {
        Some(dot) if plain.len() - dot <= 10 => plain.split_at(dot),
        _ => (plain, ""),
    };
    let mut end = stem.len().min(NAME - ending.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    let safe = format!("{}{ending}", &stem[..end]);
    if Path::new(&safe).file_name().is_none() { "input".into() } else { safe }
}

/// Marks that turn the direction of text or have no width: a name is to look like what it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_removed_and_what_is_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sconn.toml"), "").unwrap();
        let project = Project::of(&folder.path().join("x")).unwrap();
        let (dead, used) = (project.uploads().join("dead"), project.uploads().join("used"));
        for of in [&dead, &used] {
            std::fs::create_dir_all(of).unwrap();
            std::fs::write(of.join("prices.csv"), "a").unwrap();
        }
        let lock = File::open(&used).unwrap();
        lock.lock().unwrap();
        sweep(&project);
        assert!(!dead.exists() && used.join("prices.csv").exists());
        drop(lock);
        sweep(&project);
        assert!(!used.exists());
    }

    #[test]
    fn names_are_made_safe() {
        for (given, kept) in [
            ("prices.csv", "prices.csv"),
            ("../../etc/passwd", "passwd"),
            (r"C:\temp\Preise März.xlsx", "Preise März.xlsx"),
            ("..", "input"),
            ("", "input"),
            ("/", "input"),
            (".sconn", "sconn"),
            ("a\0b\nc.csv", "a_b_c.csv"),
            ("con\u{202e}vsc.exe", "con_vsc.exe"),
        ] {
            assert_eq!(safe(given), kept, "{given:?}");
        }
        let long = safe(&format!("{}.csv", "ä".repeat(500)));
        assert!(long.len() <= NAME && long.ends_with(".csv"), "{long}");
    }
}
