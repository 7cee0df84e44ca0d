//! Sends one signed request over one connection to the emulator and keeps its path as it is. Client libraries that take URLs
//! would normalize `..` and percent-encoding.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::access_key::AccessKey;

/// The emulator, as the supervisor's own parts reach it.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) access_key: AccessKey,
}

impl Upstream {
    /// Sends the request as one to the listener of a load balancer, which the emulator finds by the host's port. Under the
    /// load balancer's own name, the emulator would answer paths such as `/health` itself.
    pub(crate) async fn send_request(
        &self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("127.0.0.1:443"));
        self.access_key.sign_front_request(&mut request)?;
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The connection ends with the answer's body, and the body's reader sees its errors.
        tokio::spawn(connection);
        Ok(sender.send_request(request.map(Full::new)).await?)
    }
}
