//! Connections: how many are open at once, and how long one may keep the service waiting.

use crate::project::ServeSettings;
use crate::system::say::say;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::Sleep;

/// How long nobody is taken after that failed: mostly there are too many open files.
const PAUSE: Duration = Duration::from_secs(1);

/// Comes back once it is time to stop.
pub(super) async fn told(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Answers whoever connects, until it is time to stop and the last answer is given.
pub(super) async fn answer(
    listener: TcpListener,
    router: Router,
    settings: &ServeSettings,
    stopping: watch::Receiver<bool>,
) {
    let most = settings.connections.get();
    let slots = Arc::new(Semaphore::new(most as usize));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(settings.silence);
    loop {
        let next = async { (slots.clone().acquire_owned().await, accept(&listener).await) };
        let (slot, stream) = tokio::select! {
            next = next => next,
            () = told(stopping.clone()) => break,
        };
        let service = TowerToHyperService::new(router.clone());
        let stream = TokioIo::new(Patient { stream, silence: settings.silence, since: None });
        let (connection, stopping) = (http.serve_connection(stream, service), stopping.clone());
        tokio::spawn(async move {
            let _slot = slot;
            let mut connection = pin!(connection);
            tokio::select! {
                // Who breaks off is not ours to mend.
                _ = connection.as_mut() => return,
                () = told(stopping) => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
    drop(listener);
    // All of them are free once nobody is connected any more.
    let _ = slots.acquire_many(most).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // They have gone already.
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(e) => {
                say(format_args!("error: nobody can connect: {e}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A connection that ends where the other side takes nothing of an answer for too long.
struct Patient {
    stream: TcpStream,
    silence: Duration,
    /// What waits to be taken waits until then.
    since: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn watch<T>(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.since = None;
            return wrote;
        }
        let silence = self.silence;
        let end = self.since.get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
        end.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watch(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
