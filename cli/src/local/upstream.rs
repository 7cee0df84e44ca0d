//! One request over one connection to the emulator, its path as given: client libraries that take URLs
//! normalise `..` and percent-encoding away.

use std::error::Error;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) async fn send<B>(
    address: SocketAddr,
    request: Request<B>,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer's body; what goes wrong with it is told to whoever reads that.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
