//! Records as a table for spreadsheets: UTF-8 with a byte order mark, Chinese headings, RFC 4180.

use csv::{Terminator, WriterBuilder};

use crate::base::calendar::Moment;
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Direction, Event, Mode, Status, Ticket, Urgency};

/// The headings, in the order of [`row`].
#[rustfmt::skip]
const HEADINGS: [&str; 39] = [
    "工单编号", "关联编号", "环节序号", "环节", "环节时间", "方向", "转接方式", "状态", "标签", "处置结果",
    "首接平台", "首接工号", "首接时间", "转出平台", "转出工号", "转出单号", "受理平台", "受理工号", "受理单号",
    "属地代码", "属地名称", "来电号码", "规范号码", "外显号码", "来电人", "联系方式", "诉求类型", "诉求主题", "诉求内容",
    "紧急程度", "事件等级", "呼叫编号", "来电时间", "接通时间", "转接发起时间", "转接接通时间", "结束时间", "转接结果",
    "SIP状态码",
];

/// Adds the byte order mark, by which spreadsheets know UTF-8, and the headings.
pub(crate) fn head(out: &mut Vec<u8>) {
    out.extend_from_slice("\u{feff}".as_bytes());
    line(HEADINGS.map(str::to_owned).to_vec(), out);
}

/// Adds one record.
pub(crate) fn row(ticket: &Ticket, out: &mut Vec<u8>) {
    let call = ticket.call.as_ref();
    let (code, name) = ticket.region.as_ref().map_or(("", ""), |region| (&region.code, &region.name));
    let tags: Vec<&str> = ticket.tags.iter().map(Tag::text).collect();
    let record = |number: &Option<String>| number.clone().unwrap_or_default();
    let mut fields = vec![ticket.ticket_id.to_string(), ticket.linkage_id.to_string(), ticket.seq.to_string()];
    fields.extend([event(ticket.event).to_owned(), time(Some(ticket.at)), direction(ticket.direction).to_owned()]);
    fields.extend([mode(ticket.mode), status(ticket.status)].map(str::to_owned));
    fields.extend([tags.join(";"), ticket.disposition.clone()]);
    fields.extend([ticket.first_platform.clone(), ticket.first_agent.clone(), time(ticket.first_answered_at)]);
    for side in [&ticket.from, &ticket.to] {
        fields.extend([side.platform.clone(), side.agent.no.clone(), record(&side.record_no)]);
    }
    fields.extend([code, name].map(str::to_owned));
    fields.extend(citizen(ticket));
    fields.push(urgency(ticket.urgency).to_owned());
    fields.push(ticket.event_level.map(|level| level.to_string()).unwrap_or_default());
    fields.push(call.map(|call| call.call_id.clone()).unwrap_or_default());
    let times = call.map(|call| {
        let later = [call.answered_at, call.transfer_requested_at, call.target_answered_at, call.ended_at];
        (Some(call.started_at), later)
    });
    let (started, later) = times.unwrap_or_default();
    fields.extend(std::iter::once(started).chain(later).map(time));
    fields.push(call.map(|call| call.result.clone()).unwrap_or_default());
    fields.push(call.and_then(|call| call.sip_code).map(|code| code.to_string()).unwrap_or_default());
    line(fields, out);
}

/// The citizen's numbers and words, as far as the reader of this ticket may see them.
fn citizen(ticket: &Ticket) -> impl Iterator<Item = String> {
    let (caller, appeal) = (&ticket.caller, &ticket.appeal);
    let who = [&caller.number_raw, &caller.number_e164, &caller.presented_number, &caller.name, &caller.contact];
    let what = [appeal.kind.as_str(), appeal.title.reveal(), appeal.content.reveal()];
    who.into_iter().map(|personal| personal.reveal()).chain(what).map(str::to_owned)
}

/// Writes fields as one line.
fn line(fields: Vec<String>, out: &mut Vec<u8>) {
    assert_eq!(fields.len(), HEADINGS.len(), "a field for each heading");
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    // Memory takes everything; the writer gives its last piece away when it is dropped.
    writer.write_record(fields.into_iter().map(harmless)).ok();
}

/// A spreadsheet takes a field that begins so for a formula and runs it (CWE-1236): an apostrophe makes it text.
fn harmless(field: String) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { format!("'{field}") } else { field }
}

/// `2026-11-22 10:47:40`, Beijing time: what spreadsheets take for a time.
fn time(moment: Option<Moment>) -> String {
    let written = moment.map(|moment| moment.to_string()).unwrap_or_default();
    written.chars().take("2026-11-22T10:47:40".len()).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

const fn event(event: Event) -> &'static str {
    match event {
        Event::Created => "登记",
        Event::TransferStarted => "转接发起",
        Event::TransferSucceeded => "转接成功",
        Event::TransferFailed => "转接未成",
        Event::ThreeWayJoined => "三方加入",
        Event::ThreeWayLeft => "三方退出",
        Event::Negotiated => "协商",
        Event::Tagged => "转接成功并标记",
        Event::Pushed => "推送",
        Event::Received => "接收",
        Event::Supplemented => "补录",
        Event::Returned => "回退",
        Event::Feedback => "反馈",
        Event::Escalated => "升级",
        Event::Urged => "督办",
        Event::Closed => "结案",
        Event::Voided => "作废",
    }
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::From12345To110 => "12345转110",
        Direction::From110To12345 => "110转12345",
        Direction::From12345ToOther => "12345转其他",
        Direction::From110ToOther => "110转其他",
        Direction::Other => "其他",
    }
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::OneClick => "一键转接",
        Mode::Consult => "通话转",
        Mode::ThreeWay => "三方通话",
        Mode::Ticket => "工单推送",
        Mode::Supervisor => "值班长",
        Mode::Escalation => "升级",
    }
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Registered => "登记",
        Status::Pushed => "已推送",
        Status::Received => "已接收",
        Status::Supplemented => "已补录",
        Status::Returned => "已回退",
        Status::InHand => "办理中",
        Status::Answered => "已反馈",
        Status::Closed => "结案",
        Status::Void => "作废",
    }
}

const fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Normal => "非紧急",
        Urgency::Urgent => "紧急",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::pii::Pii;
    use crate::store::tickets::sample;

    fn field(ticket: &Ticket, heading: &str) -> String {
        let mut bytes = Vec::new();
        head(&mut bytes);
        row(ticket, &mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let body = text.strip_prefix('\u{feff}').unwrap();
        assert!(body.ends_with("\r\n") && body.starts_with("工单编号,关联编号,"));
        let mut reader = csv::Reader::from_reader(body.as_bytes());
        let place = HEADINGS.iter().position(|known| *known == heading).unwrap();
        reader.records().next().unwrap().unwrap()[place].to_owned()
    }

    #[test]
    fn each_field_stands_under_its_heading() {
        let ticket = sample::ticket(1, 1_735_689_645_000);
        for (heading, value) in [
            ("环节", "登记"),
            ("环节时间", "2025-01-01 08:00:45"),
            ("方向", "12345转110"),
            ("转接方式", "一键转接"),
            ("首接工号", "1023"),
            ("转出单号", "GD-0001"),
            ("受理工号", "5001"),
            ("属地名称", "阿图什市"),
            ("来电号码", "013800138000"),
            ("规范号码", "'+8613800138000"),
            ("诉求类型", "02"),
            ("紧急程度", "紧急"),
            ("事件等级", "4"),
            ("来电时间", "2025-01-01 08:00:00"),
            ("转接接通时间", "2025-01-01 08:00:44"),
            ("结束时间", ""),
            ("SIP状态码", "200"),
        ] {
            assert_eq!(field(&ticket, heading), value, "{heading}");
        }
    }

    /// What a citizen said, or a caller wrote into a header, is text in every spreadsheet and stays within its field.
    #[test]
    fn no_field_is_a_formula_or_breaks_its_line() {
        let mut ticket = sample::ticket(1, 0);
        for evil in ["=HYPERLINK(\"http://x\")", "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            ticket.appeal.content = Pii::new(evil);
            assert_eq!(field(&ticket, "诉求内容"), format!("'{evil}"));
        }
        ticket.appeal.content = Pii::new("一,\"二\"\r\n三");
        assert_eq!(field(&ticket, "诉求内容"), "一,\"二\"\r\n三");
    }
}
