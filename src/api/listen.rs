//! Accepting connections, and letting go of those that waste our time.
//!
//! One rule covers slow senders of headers and bodies, idle connections and readers that do not read: a connection on
//! which nothing could be written for [`PATIENCE`] is closed. Every honest exchange makes us write in time: a request
//! is answered within seconds, and a stream of events carries a ping every few seconds.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// How long a connection may go without a byte that we wrote.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to rest when the system refuses to give us another connection (out of descriptors).
const REST: Duration = Duration::from_millis(100);

/// A listener with a limit on its connections.
pub(super) struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
    patience: Duration,
}

impl Bounded {
    /// At most `connections` at a time.
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(connections)), patience: PATIENCE }
    }

    #[cfg(test)]
    fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl Listener for Bounded {
    type Io = Guarded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded, SocketAddr) {
        loop {
            match self.listener.accept().await {
                // Beyond the limit a connection is closed at once: it must not wait where nobody sees it.
                Ok((stream, remote)) => {
                    if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                        return (Guarded::new(stream, room, self.patience), remote);
                    }
                }
                Err(_) => sleep(REST).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection under the rule.
pub(super) struct Guarded {
    stream: TcpStream,
    patience: Duration,
    over: Pin<Box<Sleep>>,
    _room: OwnedSemaphorePermit,
}

impl Guarded {
    fn new(stream: TcpStream, room: OwnedSemaphorePermit, patience: Duration) -> Self {
        Self { stream, patience, over: Box::pin(sleep(patience)), _room: room }
    }

    /// An error once the patience is over, and until then a wake-up at that time.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.over.as_mut().poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Begins to wait anew.
    fn written(&mut self, cx: &mut Context<'_>) {
        self.over.set(sleep(self.patience));
        // Asked once, so that the end of the new wait wakes whoever serves this connection.
        self.check(cx).ok();
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written(cx);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, parts))?;
        self.written(cx);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[allow(clippy::disallowed_methods, reason = "a task of a test ends with the test's runtime")]
    async fn served(connections: usize, patience: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounded = Bounded::new(listener, connections).with_patience(patience);
        let router = Router::new().route("/", get(|| async { "here" }));
        tokio::task::spawn(async move { axum::serve(bounded, router).await });
        address
    }

    /// Slow headers (slowloris), a connection that never asks, and one that asked and was answered: each is closed.
    #[tokio::test]
    async fn a_connection_that_lets_us_write_nothing_is_closed() {
        let address = served(8, Duration::from_millis(50)).await;
        for first in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(first.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
            assert!(ended.is_ok(), "{first:?} is kept");
            assert_eq!(answer.starts_with(b"HTTP/1.1 200"), first.ends_with("\r\n\r\n"), "{first:?}");
        }
    }

    #[tokio::test]
    async fn beyond_the_limit_a_connection_is_closed_at_once_and_room_comes_back() {
        let address = served(1, Duration::from_secs(60)).await;
        let ask = async |stream: &mut TcpStream| {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok();
            answer
        };
        let mut first = TcpStream::connect(address).await.unwrap();
        // The first is accepted before the second: the listener's queue keeps its order.
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut second).await.is_empty());
        assert!(ask(&mut first).await.ends_with(b"here"));
        let room_comes_back = async {
            loop {
                let mut third = TcpStream::connect(address).await.unwrap();
                if ask(&mut third).await.ends_with(b"here") {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), room_comes_back).await.expect("room comes back");
    }
}
