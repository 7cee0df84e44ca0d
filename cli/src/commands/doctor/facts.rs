//! What several checks need to know, each looked up once. If a look-up fails, the check responsible for it fails and the
//! checks that need its value are skipped.

use futures_util::FutureExt;
use restctl_contract::stack::Certificate;
use restctl_verifier::KeySet;
use time::{Duration, OffsetDateTime};
use tokio::sync::OnceCell;

use super::check_names::{
    CERTIFICATE, CLIENT_SECRET, CONNECTION, CREDENTIALS, KEYS, REGION, SETTINGS, STACK, THROTTLES, TOKEN,
};
use super::check_report::CheckError;
use super::clock_offset::certain_offset;
use super::handshake_fault::failed_handshake_check;
use super::last_hour::LastHour;
use super::memo::{Lookup, Memo};
use crate::api::endpoint::Location;
use crate::api::handshake::Handshake;
use crate::aws::cloudformation::{self, Resource, Stack};
use crate::aws::sts::{self, Caller};
use crate::aws::{Aws, secretsmanager};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::identity::grant::{self, AccessToken};
use crate::identity::policy::{self, TokenPolicy};
use crate::identity::settings::{self, Settings};

/// What the first call to AWS returned.
struct FirstCall {
    caller: Lookup<Caller>,
    /// How far this machine's clock is ahead of AWS's.
    clock_offset: Option<Duration>,
}

pub(super) struct DoctorFacts<'a> {
    pub(super) context: &'a Context,
    first_call: OnceCell<FirstCall>,
    settings: Memo<Settings>,
    client_secret: Memo<String>,
    certificate: Memo<Certificate>,
    stack: Memo<Stack>,
    resources: Memo<Vec<Resource>>,
    last_hour: Memo<LastHour>,
    location: Memo<Location>,
    handshake: Memo<Handshake>,
    token_policy: Memo<TokenPolicy>,
    keys: Memo<KeySet>,
    token: Memo<AccessToken>,
}

impl<'a> DoctorFacts<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self {
            context,
            first_call: OnceCell::new(),
            settings: Memo::default(),
            client_secret: Memo::default(),
            certificate: Memo::default(),
            stack: Memo::default(),
            resources: Memo::default(),
            last_hour: Memo::default(),
            location: Memo::default(),
            handshake: Memo::default(),
            token_policy: Memo::default(),
            keys: Memo::default(),
            token: Memo::default(),
        }
    }

    /// Returns the clients, whether or not AWS accepts the credentials.
    pub(super) async fn untested_clients(&self) -> Lookup<&'a Aws> {
        self.context.aws().await.map_err(|failure| CheckError::in_check(REGION, failure))
    }

    async fn first_call(&self) -> Lookup<&FirstCall> {
        let aws = self.untested_clients().await?;
        let call = async {
            let sent = OffsetDateTime::now_utc();
            let (caller, date) = sts::caller_and_date(aws).await;
            let clock_offset = date.map(|date| certain_offset(sent, date, OffsetDateTime::now_utc()));
            let caller = caller.map_err(|failure| CheckError::in_check(CREDENTIALS, failure));
            FirstCall { caller, clock_offset }
        };
        let call = call.boxed_local();
        Ok(self.first_call.get_or_init(|| call).await)
    }

    pub(super) async fn caller(&self) -> Lookup<&Caller> {
        self.first_call().await?.caller.as_ref().map_err(CheckError::clone)
    }

    /// Returns how far this machine's clock is ahead of AWS's. `None` if AWS did not answer.
    pub(super) async fn clock_offset(&self) -> Lookup<Option<Duration>> {
        Ok(self.first_call().await?.clock_offset)
    }

    /// Returns the clients if AWS accepts the credentials.
    pub(super) async fn authenticated_clients(&self) -> Lookup<&'a Aws> {
        self.caller().await?;
        self.untested_clients().await
    }

    /// Returns the settings if none is missing.
    pub(super) async fn complete_settings(&self) -> Lookup<&Settings> {
        let look_up = async {
            let settings = Settings::read(self.authenticated_clients().await?, &self.context.stack).await?;
            match settings.missing_parameters().as_slice() {
                [] => {}
                missing => {
                    return Err(Failure::new(format!("missing: {}", missing.join(", ")))
                        .exit(Exit::NotFound)
                        .next("restctl setup")
                        .into());
                }
            }
            Ok(settings)
        };
        self.settings.get_or_look_up(SETTINGS, look_up.boxed_local()).await
    }

    pub(super) async fn client_secret(&self) -> Lookup<&String> {
        let look_up = async {
            let name = self.context.stack.client_secret();
            let secret = secretsmanager::read_secret(self.authenticated_clients().await?, &name).await?;
            let missing = || Failure::new(format!("the secret {name} is missing")).exit(Exit::NotFound);
            Ok(secret.ok_or_else(|| missing().next("restctl setup --client-secret-file FILE"))?)
        };
        self.client_secret.get_or_look_up(CLIENT_SECRET, look_up.boxed_local()).await
    }

    pub(super) async fn imported_certificate(&self) -> Lookup<&Certificate> {
        let look_up = async {
            Ok(settings::require_certificate(self.authenticated_clients().await?, &self.context.stack)
                .await?)
        };
        self.certificate.get_or_look_up(CERTIFICATE, look_up.boxed_local()).await
    }

    pub(super) async fn deployed_stack(&self) -> Lookup<&Stack> {
        let look_up = async {
            Ok(cloudformation::find_deployed(self.authenticated_clients().await?, &self.context.stack)
                .await?)
        };
        self.stack.get_or_look_up(STACK, look_up.boxed_local()).await
    }

    pub(super) async fn resources(&self) -> Lookup<&Vec<Resource>> {
        let look_up = async {
            Ok(cloudformation::list_resources(
                self.authenticated_clients().await?,
                self.deployed_stack().await?,
            )
            .await?)
        };
        self.resources.get_or_look_up(STACK, look_up.boxed_local()).await
    }

    pub(super) async fn last_hour(&self) -> Lookup<&LastHour> {
        let look_up = async {
            let (aws, stack) = (self.authenticated_clients().await?, self.deployed_stack().await?);
            Ok(LastHour::read(aws, stack, self.resources().await?).await?)
        };
        self.last_hour.get_or_look_up(THROTTLES, look_up.boxed_local()).await
    }

    pub(super) async fn location(&self) -> Lookup<&Location> {
        let look_up = async {
            Ok(Location::from_stack(
                self.context,
                self.deployed_stack().await?,
                self.imported_certificate().await?,
            )?)
        };
        self.location.get_or_look_up(STACK, look_up.boxed_local()).await
    }

    /// Returns a handshake in which the endpoint presents a certificate, trusted or not.
    pub(super) async fn handshake(&self) -> Lookup<&Handshake> {
        let look_up = async {
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
        self.handshake.get_or_look_up(CONNECTION, look_up.boxed_local()).await
    }

    /// Returns the endpoint's location if its certificate is trusted.
    pub(super) async fn trusted_location(&self) -> Lookup<&Location> {
        let (location, handshake) = (self.location().await?, self.handshake().await?);
        match &handshake.connection {
            Ok(_) => Ok(location),
            Err(error) => {
                let failure = Failure::new("the endpoint is not trusted").because(error);
                Err(CheckError::in_check(failed_handshake_check(handshake), failure))
            }
        }
    }

    /// Returns the token policy of the deployment or, before the first deployment, of the settings.
    pub(super) async fn token_policy(&self) -> Lookup<&TokenPolicy> {
        let look_up = async {
            Ok(TokenPolicy::from_settings(self.complete_settings().await?, self.deployed_stack().await.ok())?)
        };
        self.token_policy.get_or_look_up(SETTINGS, look_up.boxed_local()).await
    }

    /// Returns the keys of the issuer that grants restctl its tokens.
    pub(super) async fn provider_keys(&self) -> Lookup<&KeySet> {
        let look_up = async { Ok(policy::fetch_keys(self.token_policy().await?.client_issuer()?).await?) };
        self.keys.get_or_look_up(KEYS, look_up.boxed_local()).await
    }

    /// Returns a new token, so that the client secret is tested.
    pub(super) async fn new_token(&self) -> Lookup<&AccessToken> {
        let look_up = async {
            let client = self.complete_settings().await?.require_client()?;
            let issuer = self.token_policy().await?.client_issuer()?;
            let granted = grant::request_token(client, issuer, self.client_secret().await?).await;
            Ok(granted.map_err(Failure::from)?)
        };
        self.token.get_or_look_up(TOKEN, look_up.boxed_local()).await
    }
}
