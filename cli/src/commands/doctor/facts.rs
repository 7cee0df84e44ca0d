//! What several checks need to know, looked up once. Where it cannot be had, the check in charge of it fails, and the others
//! that need it are skipped.

use futures_util::FutureExt;
use restctl_contract::stack::Certificate;
use restctl_verifier::KeySet;
use time::{Duration, OffsetDateTime};
use tokio::sync::OnceCell;

use super::check_report::Trouble;
use super::memo::{
    CERTIFICATE, CLIENT_SECRET, CONNECTION, CREDENTIALS, Fact, KEYS, Known, REGION, SETTINGS, STACK, TOKEN,
};
use super::{account, tls};
use crate::api::endpoint::Location;
use crate::api::handshake::Handshake;
use crate::aws::cloudformation::{self, Resource, Stack};
use crate::aws::sts::{self, Caller};
use crate::aws::{Aws, secretsmanager};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::identity::grant::{self, AccessToken};
use crate::identity::policy::TokenPolicy;
use crate::identity::settings::{self, Settings};

/// What the first call of AWS tells.
struct Greeting {
    caller: Known<Caller>,
    /// How far this machine's clock is ahead of AWS's.
    ahead: Option<Duration>,
}

pub(super) struct Facts<'a> {
    pub(super) context: &'a Context,
    greeting: OnceCell<Greeting>,
    settings: Fact<Settings>,
    client_secret: Fact<String>,
    certificate: Fact<Certificate>,
    stack: Fact<Stack>,
    resources: Fact<Vec<Resource>>,
    location: Fact<Location>,
    handshake: Fact<Handshake>,
    asked: Fact<TokenPolicy>,
    keys: Fact<KeySet>,
    token: Fact<AccessToken>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self {
            context,
            greeting: OnceCell::new(),
            settings: Fact::default(),
            client_secret: Fact::default(),
            certificate: Fact::default(),
            stack: Fact::default(),
            resources: Fact::default(),
            location: Fact::default(),
            handshake: Fact::default(),
            asked: Fact::default(),
            keys: Fact::default(),
            token: Fact::default(),
        }
    }

    /// The clients, whether anybody answers them or not.
    pub(super) async fn clients(&self) -> Known<&'a Aws> {
        self.context.aws().await.map_err(|failure| Trouble::with(REGION, failure))
    }

    async fn greeting(&self) -> Known<&Greeting> {
        let aws = self.clients().await?;
        let greet = async {
            let sent = OffsetDateTime::now_utc();
            let (caller, date) = sts::caller_and_date(aws).await;
            let ahead = date.map(|date| account::ahead(sent, date, OffsetDateTime::now_utc()));
            Greeting { caller: caller.map_err(|failure| Trouble::with(CREDENTIALS, failure)), ahead }
        };
        let greet = greet.boxed_local();
        Ok(self.greeting.get_or_init(|| greet).await)
    }

    pub(super) async fn caller(&self) -> Known<&Caller> {
        self.greeting().await?.caller.as_ref().map_err(Trouble::clone)
    }

    /// None where AWS has not answered at all.
    pub(super) async fn ahead(&self) -> Known<Option<Duration>> {
        Ok(self.greeting().await?.ahead)
    }

    /// The clients, where AWS knows who calls.
    pub(super) async fn aws(&self) -> Known<&'a Aws> {
        self.caller().await?;
        self.clients().await
    }

    /// Complete.
    pub(super) async fn settings(&self) -> Known<&Settings> {
        let look = async {
            let settings = Settings::read(self.aws().await?, &self.context.stack).await?;
            match settings.missing_parameters().as_slice() {
                [] => {}
                missing => {
                    return Err(Failure::new(format!("missing: {}", missing.join(", ")))
                        .exit(Exit::NotFound)
                        .next("restctl setup")
                        .into());
                }
            }
            settings.provider()?;
            Ok(settings)
        };
        self.settings.known(SETTINGS, look.boxed_local()).await
    }

    pub(super) async fn client_secret(&self) -> Known<&String> {
        let look = async {
            let name = self.context.stack.client_secret();
            let secret = secretsmanager::read_secret(self.aws().await?, &name).await?;
            let missing = || Failure::new(format!("the secret {name} is missing")).exit(Exit::NotFound);
            Ok(secret.ok_or_else(|| missing().next("restctl setup --client-secret-file FILE"))?)
        };
        self.client_secret.known(CLIENT_SECRET, look.boxed_local()).await
    }

    pub(super) async fn certificate(&self) -> Known<&Certificate> {
        let look = async { Ok(settings::require_certificate(self.aws().await?, &self.context.stack).await?) };
        self.certificate.known(CERTIFICATE, look.boxed_local()).await
    }

    pub(super) async fn stack(&self) -> Known<&Stack> {
        let look = async { Ok(cloudformation::find_deployed(self.aws().await?, &self.context.stack).await?) };
        self.stack.known(STACK, look.boxed_local()).await
    }

    pub(super) async fn resources(&self) -> Known<&Vec<Resource>> {
        let look =
            async { Ok(cloudformation::list_resources(self.aws().await?, self.stack().await?).await?) };
        self.resources.known(STACK, look.boxed_local()).await
    }

    pub(super) async fn location(&self) -> Known<&Location> {
        let look =
            async { Ok(Location::from_stack(self.context, self.stack().await?, self.certificate().await?)?) };
        self.location.known(STACK, look.boxed_local()).await
    }

    /// One in which the endpoint presented a certificate, to be trusted or not.
    pub(super) async fn handshake(&self) -> Known<&Handshake> {
        let look = async {
            let location = self.location().await?;
            let handshake = Handshake::perform(location).await?;
            match &handshake.connection {
                Err(error) if handshake.chain.is_empty() => {
                    Err(Failure::new(format!("{} presents no certificate", handshake.address))
                        .because(error)
                        .next("restctl deploy")
                        .into())
                }
                _ => Ok(handshake),
            }
        };
        self.handshake.known(CONNECTION, look.boxed_local()).await
    }

    /// Where the endpoint is, provided that it is to be trusted.
    pub(super) async fn trusted(&self) -> Known<&Location> {
        let (location, handshake) = (self.location().await?, self.handshake().await?);
        match &handshake.connection {
            Ok(_) => Ok(location),
            Err(error) => {
                let failure = Failure::new("the endpoint is not to be trusted").because(error);
                Err(Trouble::with(tls::at_fault(handshake), failure))
            }
        }
    }

    /// As deployed; before there is a stack, as set up.
    pub(super) async fn asked(&self) -> Known<&TokenPolicy> {
        let look = async { Ok(TokenPolicy::from_settings(self.settings().await?, self.stack().await.ok())?) };
        self.asked.known(SETTINGS, look.boxed_local()).await
    }

    pub(super) async fn keys(&self) -> Known<&KeySet> {
        let look = async { Ok(self.asked().await?.fetch_keys().await?) };
        self.keys.known(KEYS, look.boxed_local()).await
    }

    /// A new one, that only a good secret gets.
    pub(super) async fn token(&self) -> Known<&AccessToken> {
        let look =
            async { Ok(grant::request_token(self.settings().await?, self.client_secret().await?).await?) };
        self.token.known(TOKEN, look.boxed_local()).await
    }
}
