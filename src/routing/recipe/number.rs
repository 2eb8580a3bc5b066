//! How numbers are written: country code, short codes, sip: or tel:.

use super::address::{Address, Target};
use super::{Called, Occasion};
use crate::base::number::{Form, Number};
use crate::base::pii::Pii;
use crate::routing::caller_id::Source;
use crate::routing::profile::{NumberForm, UriForm};

/// Numbers with fewer digits never get a country code: 110, 12345, 10086.
const SHORTEST_WITH_COUNTRY_CODE: usize = 7;

/// The caller's number, as the profile writes it. An agent's (工号) is no telephone number, and stays what it is.
pub(super) fn callers(occasion: &Occasion<'_>) -> String {
    let caller = occasion.caller;
    match caller.source {
        Source::Registered => caller.number.reveal().to_owned(),
        Source::Asserted | Source::Preferred | Source::RemoteParty | Source::Diversion | Source::From => {
            written(occasion, &caller.number, &caller.normal)
        }
    }
}

/// A number of the way that the call has come, as the profile writes it.
pub(super) fn written(occasion: &Occasion<'_>, received: &Pii, normal: &Number) -> String {
    in_form(occasion, received.reveal(), normal, occasion.outbound.caller_number)
}

/// A number of the configuration.
pub(super) fn form(occasion: &Occasion<'_>, number: &str, form: NumberForm) -> String {
    let normal = Number::parse(number, occasion.subscription.area_code.as_deref());
    in_form(occasion, number, &normal, form)
}

fn in_form(occasion: &Occasion<'_>, received: &str, normal: &Number, form: NumberForm) -> String {
    let bare = |number: &str| occasion.outbound.sent_bare.iter().any(|listed| listed == number);
    match form {
        NumberForm::AsReceived => received.to_owned(),
        NumberForm::National => national(received, normal),
        NumberForm::International if bare(received) || bare(&national(received, normal)) => national(received, normal),
        NumberForm::International => international(received, normal),
    }
}

fn national(received: &str, normal: &Number) -> String {
    match normal.form() {
        Form::Withheld | Form::Odd => received.to_owned(),
        Form::Mobile
        | Form::Fixed
        | Form::Local
        | Form::Service
        | Form::Short
        | Form::Intermediate
        | Form::International => normal.national().reveal().to_owned(),
    }
}

/// What carriers ask for: +86 from seven digits up (trunk-dialects 1, Chongqing). A local number whose area nobody knows
/// stays as it is: with a country code it would be another one's.
fn international(received: &str, normal: &Number) -> String {
    let digits = normal.national();
    match normal.form() {
        Form::Service | Form::Short if digits.reveal().len() >= SHORTEST_WITH_COUNTRY_CODE => {
            format!("+86{}", digits.reveal())
        }
        Form::Mobile
        | Form::Fixed
        | Form::Local
        | Form::Service
        | Form::Short
        | Form::Intermediate
        | Form::International => normal.international().reveal().to_owned(),
        Form::Withheld | Form::Odd => received.to_owned(),
    }
}

/// A URI of one of the three forms.
pub(super) fn uri(occasion: &Occasion<'_>, number: String, host: &str, form: UriForm) -> Target {
    let mut target = Target { form, ..Target::sip(number, host) };
    match form {
        UriForm::Sip | UriForm::SipPhone => {}
        UriForm::Tel => {
            target.host = String::new();
            if let (Some(context), false) = (&occasion.outbound.phone_context, target.user.starts_with('+')) {
                target.params.push(("phone-context", context.clone()));
            }
        }
    }
    target
}

/// The Request-URI. A softphone's is the contact as it was registered.
pub(super) fn request_uri(occasion: &Occasion<'_>) -> Option<Target> {
    match occasion.called {
        Called::Agent(_) => None,
        Called::Number { .. } => Some(called(occasion, occasion.outbound.request_uri)),
    }
}

/// To.
pub(super) fn to(occasion: &Occasion<'_>) -> Address {
    Address::bare(called(occasion, occasion.outbound.to_uri))
}

/// The called number as a URI of that form.
pub(super) fn called(occasion: &Occasion<'_>, as_uri: UriForm) -> Target {
    match occasion.called {
        Called::Agent(agent) => Target::sip(agent.as_str(), occasion.house),
        Called::Number { number, host, port } => {
            let number = form(occasion, number, occasion.called_form());
            let domain = occasion.subscription.domain.as_deref();
            let mut target = uri(occasion, number, domain.unwrap_or(host), as_uri);
            target.port = (domain.is_none() && as_uri != UriForm::Tel).then_some(port);
            target
        }
    }
}
