//! Stories named by behaviour. Each is told on the simulated [`super::world`]; the invariants are judged at every step.

mod a_dead_gateway_is_left_alone_until_it_answers;
mod agent_hangs_up_before_its_200_arrives;
mod agent_lost_caller_is_kept_and_rerouted;
mod agent_rings_out_next_agent_is_rung;
mod bye_crossing;
mod caller_cancels_while_ringing;
mod caller_lost_total_is_1_when_the_rule_is_broken;
mod caller_reaches_longest_idle_agent;
mod clock_jump;
mod congestion_is_not_busy;
mod delayed_offer;
mod dtmf_once_each;
mod each_territory_has_its_own_targets;
mod early_media_is_heard_and_is_no_answer;
mod flood_of_refused;
mod glare_retries;
mod half_made_calls_leave_nothing;
mod hold_is_our_music_and_no_reinvite_to_caller;
mod late_200_after_cancel_is_acked_and_byed;
mod loss_of_each_request_type;
mod nobody_moves_what_is_not_theirs;
mod panic_in_one_call_is_contained;
mod reload_leaves_live_calls_untouched;
mod silent_gateway_is_followed_in_2_s;
mod strangers;
mod topology_hidden;
