//! HEAD through the front and the load balancer of the local cloud.

use reqwest::{Method, header};

use crate::cloud::Cloud;
use crate::openapi::api_client;

#[test]
fn head_has_the_length_of_get() {
    let cloud = Cloud::shared_read_only();
    let token = cloud.succeed(&["token"]).stdout;
    let (client, url) = api_client(cloud);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let send = async |method: Method, path: &str, encoding: &str| {
        let request = client.request(method, format!("{url}{path}")).bearer_auth(token.trim());
        let answer = request.header(header::ACCEPT_ENCODING, encoding).send().await.unwrap();
        let length =
            answer.headers().get(header::CONTENT_LENGTH).map(|length| length.to_str().unwrap().to_owned());
        (answer.status(), length, answer.bytes().await.unwrap().len())
    };
    runtime.block_on(async {
        for path in ["/v1/items/1", "/v1/items/none", "/v1/items", "/v1/openapi.json", "/health", "/nowhere"]
        {
            for encoding in ["identity", "gzip"] {
                let (status, length, received) = send(Method::GET, path, encoding).await;
                assert_eq!(length, Some(received.to_string()), "{path}, {encoding}");
                assert_eq!(
                    send(Method::HEAD, path, encoding).await,
                    (status, length, 0),
                    "{path}, {encoding}"
                );
            }
        }
    });
}
