//! What a party sees of the other side is nothing but the citizen's number (I8, V42).

use std::time::Duration;

use crate::world::World;

#[test]
fn no_byte_of_the_near_side_reaches_the_far_leg() {
    let mut w = World::new(121);
    let (caller, agent) = w.caller_and_agent_in_talk();
    w.holds(agent);
    w.run(Duration::from_secs(1));
    w.resumes(agent);
    w.run(Duration::from_secs(1));
    w.hangs_up(agent);
    w.run(Duration::from_secs(1));
    // The judge of I8 has looked at every message; here the identifiers of the two legs are compared as a whole.
    let (near, far) = (w.dialog(caller).clone(), w.dialog(agent).clone());
    assert_ne!(near.call_id, far.call_id);
    assert_ne!(near.remote_tag, far.remote_tag);
    assert_ne!(near.local_tag, far.local_tag);
    let invite = String::from_utf8(far.invite.to_bytes()).expect("text");
    for secret in [near.call_id.as_str(), near.local_tag.as_str(), "198.51.100.", near.mine.owner.as_str()] {
        assert!(!invite.contains(secret), "{secret} in\n{invite}");
    }
    w.settle();
}
