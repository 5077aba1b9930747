//! A connection from which never more than a line is taken at once.
//!
//! What speaks SMTP for us reads as much as there is, and keeps what it does not need yet. Where the connection goes
//! over to TLS, what it has kept would count as said under TLS, although anybody on the way can have added it in the
//! clear: answers to what is only about to be asked, and an e-mail would count as taken that nobody has. Read by
//! lines, what follows the server's consent is still in the connection when TLS begins, which takes it for a broken
//! beginning and ends. See CVE-2011-0411, and RFC 3207, section 4.2.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// Such a connection. Under TLS it is the same: there a line means nothing, and bytes come in any pieces.
#[derive(Debug)]
pub(super) struct Lines(BufReader<TcpStream>);

impl Lines {
    /// Of a connection of which nothing was read.
    pub(super) fn of(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }
}

impl AsyncTokioStream for Lines {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }
}

impl AsyncRead for Lines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let there = ready!(Pin::new(&mut self.0).poll_fill_buf(cx))?;
        let line = there.iter().position(|b| *b == b'\n').map_or(there.len(), |end| end + 1);
        let taken = line.min(buffer.remaining());
        buffer.put_slice(&there[..taken]);
        Pin::new(&mut self.0).consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lines {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
