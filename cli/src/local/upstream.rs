//! Sends one request over one connection to the emulator and keeps its path as it is. Client libraries that take URLs would
//! normalize `..` and percent-encoding.

use std::error::Error;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) async fn send_request<B>(
    address: SocketAddr,
    request: Request<B>,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The connection ends with the answer's body, and the body's reader sees its errors.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
