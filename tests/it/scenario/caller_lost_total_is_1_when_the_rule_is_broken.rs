//! Promise 1 is broken on purpose, and the metric says so: `lianxian_caller_lost_total` is 1 (issue 2, item 9).

use std::time::Duration;

use lianxian::call::fault::Fault;

use crate::world::World;
use crate::world::phone::codecs;

fn lose_the_agent(seed: u64, fault: Option<Fault>) -> World {
    let mut w = World::new(seed);
    w.strict = fault.is_none();
    let agent = w.agent("8001");
    w.phones[agent].manners.codecs = codecs(&[(8, "PCMA")]);
    let caller = w.citizen("13900001111");
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    if let Some(fault) = fault {
        w.product.arm(fault);
    }
    // The telephone signs off and restarts: nobody is left who could be rung.
    w.with(agent, |phone, now| {
        phone.registration.as_mut().expect("a softphone").expires_s = 0;
        phone.register(now);
    });
    w.run(Duration::from_secs(1));
    w.phones[agent].forget();
    let call_id = w.dialog(caller).call_id.clone();
    w.with(caller, |phone, now| phone.press_by_info(now, &call_id, '1'));
    // The violation ends the run of the world; what the product still has to say is waited for without judges.
    w.judges_sleep = fault.is_some();
    w.run(Duration::from_secs(8));
    w
}

#[test]
fn a_lost_agent_alone_loses_no_caller() {
    assert_eq!(lose_the_agent(151, None).product.callers_lost(), 0);
}

#[test]
fn hanging_up_on_the_caller_is_counted() {
    assert_eq!(lose_the_agent(152, Some(Fault::HangUpCallerOnLoss)).product.callers_lost(), 1);
}

#[test]
fn two_seconds_of_dead_air_are_counted() {
    let w = lose_the_agent(153, Some(Fault::ForgetComfort));
    assert_eq!(w.product.callers_lost(), 1, "{}", w.story());
}
