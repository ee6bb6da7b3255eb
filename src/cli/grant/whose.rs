//! Who is meant, as arguments: the same for grants and withdrawals.

use crate::access::Whose;
use crate::cli::Failure;
use crate::moment::Moment;

/// Exactly one of user, device and client.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct WhoseArgs {
    /// The user, at whichever address attribution finds them
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The device, at whichever address it has
    #[arg(long, value_name = "MAC")]
    device: Option<String>,
    /// The client address or prefix, whoever is behind it
    #[arg(long, value_name = "IP")]
    client: Option<String>,
}

impl WhoseArgs {
    /// Who is meant.
    pub fn whose(&self) -> Result<Whose, Failure> {
        let (flag, whose) = match (&self.user, &self.device, &self.client) {
            (Some(user), None, None) => ("user", Whose::User(user.clone())),
            (None, Some(device), None) => ("device", Whose::Device(device.clone())),
            (None, None, Some(client)) => ("client", Whose::Client(client.clone())),
            _ => return Err(Failure::usage("give one of --user, --device and --client")),
        };
        let holder = whose.holder().map_err(|why| Failure::usage(format!("--{flag}: {why}")))?;
        Ok(Whose::from(&holder))
    }
}

/// A moment to the second, in UTC.
pub fn short(moment: Moment) -> String {
    moment.timestamp().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
