//! Regions, territories, called numbers and tags: a good set is read, each bad one is refused with place and remedy.

use super::*;
use crate::base::ids::RegionCode;
use crate::base::number::Number;

const REGIONS: &str = "\
# Made by hand.
code,name,short,level,parent,kind,aliases,valid_from,valid_to
650000,新疆维吾尔自治区,新疆,province,,gb,,,
653000,克孜勒苏柯尔克孜自治州,克孜勒苏,city,650000,gb,克州,,
653001,阿图什市,阿图什,county,653000,gb,,1986,
653021,阿图什县,阿图什,county,653000,gb,,,1986
";
const FORMER: &str = "old,new,name,valid_to\n653021,653001,阿图什县,1986\n";
const TERRITORIES: &str = r#"
default_region = "653000"
area_codes = { "0908" = "653000" }
[[region]]
code = "KFQ"
name = "工业园区"
level = "county"
parent = "653001"
[[territory]]
region = "653000000000"
service = "12345"
targets = [{ group = "desk", hours = "Mon-Fri 09:00-18:00" }, { trunk = "carrier", number = "110" }]
[[territory]]
region = "653001"
service = "12345"
targets = [{ via = { region = "653000", service = "12345" } }]
"#;
const TRUNK: &str = "region = \"653001\"\narea_code = \"0908\"\ncalled = [{ number = \"0998110\", hotline = \"12345\" }]\n[[trunk]]\nid = \"police\"";

fn good() -> Case {
    let mut case = Case::good().replacing("c/trunks.toml", "[[trunk]]\nid = \"police\"", TRUNK);
    for (path, text) in [("c/regions.csv", REGIONS), ("c/regions-old.csv", FORMER), ("c/territories.toml", TERRITORIES)]
    {
        case.files.insert(PathBuf::from(path), text.to_owned());
    }
    case
}

#[test]
fn a_good_set_reaches_routing_with_codes_of_today() {
    let routing = good().load().unwrap().routing();
    assert_eq!(routing.default_region, Some(RegionCode::from("653000")));
    assert_eq!(routing.territories.len(), 2);
    assert_eq!(routing.territories[0].region, RegionCode::from("653000"), "twelve digits are six");
    assert!(routing.territories[0].targets[0].hours.is_some());
    assert_eq!(routing.regions.get("653021").unwrap().name, "阿图什市", "a former code is the region of today");
    assert_eq!(routing.regions.full_name("KFQ"), "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿图什市工业园区");
    assert_eq!(routing.homes.of(&Number::parse("09086123456", None)), Some(&RegionCode::from("653000")));
    assert_eq!(routing.trunks[0].region, Some(RegionCode::from("653001")));
    assert_eq!(routing.trunks[0].called.len(), 1);
}

#[test]
fn without_these_files_there_are_no_territories() {
    let routing = Case::good().load().unwrap().routing();
    assert!(routing.territories.is_empty() && routing.regions.iter().next().is_none());
}

/// File, what stands there, what stands there instead, the beginning of the problem, and a word of its remedy.
const BAD: [(&str, &str, &str, &str, &str); 36] = [
    ("regions.csv", "code,name", "code,nome", "c/regions.csv:2:1: the columns are", "code,name,short"),
    ("regions.csv", "653001,阿", "65 3001,阿", "c/regions.csv:5:1: code: `65 3001`", "six digits"),
    ("regions.csv", "阿图什市,阿图什", ",阿图什", "c/regions.csv:5:8: name: ``", "the name"),
    ("regions.csv", "county,653000,gb,,1986", "town,653000,gb,,1986", "c/regions.csv:5:17: level: `town`", "county"),
    ("regions.csv", "653000,gb,,1986", "659999,gb,,1986", "c/regions.csv:1:1: code: 653001 lies in 659999", "parent"),
    ("regions.csv", "gb,,1986", "gb,,anno", "c/regions.csv:5:35: valid_from: `anno`", "year"),
    ("regions.csv", "gb,,1986", "iso,,1986", "c/regions.csv:5:31: kind: `iso`", "stat"),
    ("regions.csv", ",gb,,1986,", ",gb,,1986", "c/regions.csv:5:1: another number of fields", "9 fields"),
    ("regions-old.csv", "653021,653001", "653021,", "c/regions-old.csv:2:8: new: ``", "six digits"),
    (
        "territories.toml",
        "653000\"\narea",
        "659999\"\narea",
        "c/territories.toml:2:18: default_region: there is no",
        "code",
    ),
    (
        "territories.toml",
        "653000\"\narea",
        "653021\"\narea",
        "c/territories.toml:2:18: default_region: `653021` is a former code",
        "653001",
    ),
    ("territories.toml", "\"0908\" =", "\"09081\" =", "c/territories.toml:3:26: area_codes: `09081`", "digits"),
    ("territories.toml", "\"KFQ\"", "\"653000\"", "c/territories.toml:5:8: region.code: 653000 is", "nobody else"),
    (
        "territories.toml",
        "parent = \"653001\"",
        "parent = \"KFQ\"",
        "c/territories.toml:8:10: region.parent: KFQ lies in itself",
        "above",
    ),
    (
        "territories.toml",
        "level = \"county\"",
        "level = \"town\"",
        "c/territories.toml:7:9: region.level: unknown variant",
        "county",
    ),
    (
        "territories.toml",
        "region = \"653001\"\nservice",
        "region = \"nowhere\"\nservice",
        "c/territories.toml:14:10: territory.region: there is no region `nowhere`",
        "regions.csv",
    ),
    (
        "territories.toml",
        "service = \"12345\"\ntargets = [{ via",
        "service = \"119\"\ntargets = [{ via",
        "c/territories.toml:15:11: territory.service: there is no hotline `119`",
        "hotlines.toml",
    ),
    (
        "territories.toml",
        "region = \"653001\"\nservice",
        "region = \"653000000000\"\nservice",
        "c/territories.toml:14:10: territory.region: 653000000000 has two rows",
        "one row",
    ),
    (
        "territories.toml",
        "group = \"desk\"",
        "group = \"nobody\"",
        "c/territories.toml:12:22: territory.targets.group: there is no group",
        "agents.toml",
    ),
    (
        "territories.toml",
        "group = \"desk\"",
        "group = \"empty\"",
        "c/territories.toml:12:22: territory.targets.group: group `empty` has no agent",
        "agent",
    ),
    ("territories.toml", "trunk = \"carrier\"", "trunk = \"police\"", "c/territories.toml:12:", "next_hops"),
    ("territories.toml", "trunk = \"carrier\", ", "", "c/territories.toml:12:", "number"),
    ("territories.toml", "Mon-Fri 09:00-18:00", "always", "c/territories.toml:12:", "Mon-Fri"),
    (
        "territories.toml",
        "[{ via",
        "[{ class = \"overflow\", via",
        "c/territories.toml:16:12: territory.targets.class",
        "no class",
    ),
    (
        "territories.toml",
        "[{ via",
        "[{ group = \"desk\", via",
        "c/territories.toml:16:12: territory.targets: a target is one",
        "via",
    ),
    (
        "territories.toml",
        "via = { region = \"653000\"",
        "via = { region = \"653001\"",
        "c/territories.toml:16:31: territory.targets.via: the chain leads in a circle",
        "ends",
    ),
    (
        "territories.toml",
        "targets = [{ via = { region = \"653000\", service = \"12345\" } }]",
        "targets = []",
        "c/territories.toml:16:11: territory.targets: no target",
        "group",
    ),
    ("trunks.toml", "0908", "9", "c/trunks.toml:7:13: trunk.area_code: `9`", "0908"),
    (
        "trunks.toml",
        "hotline = \"12345\"",
        "hotline = \"999\"",
        "c/trunks.toml:8:43: trunk.called.hotline: there is no hotline",
        "hotlines.toml",
    ),
    (
        "hotlines.toml",
        "number = \"12345\"",
        "number = \"12345\"\ntag = \"已转12345受理\"",
        "c/hotlines.toml:4:7: hotline.tag: `已转12345受理` is not the prescribed tag",
        "已转12345热线受理",
    ),
    (
        "hotlines.toml",
        "number = \"12345\"",
        "number = \"0898110\"\nplatform = \"110\"\ntag = \"已转110报警台受理\"",
        "c/hotlines.toml:5:7: hotline.tag: `已转110报警台受理` is not the prescribed tag",
        "已转110受理",
    ),
    (
        "hotlines.toml",
        "number = \"12345\"",
        "number = \"119\"\ntag = \"已转110受理\"",
        "c/hotlines.toml:4:7: hotline.tag: `已转110受理` is the tag of another platform",
        "已转119受理",
    ),
    (
        "hotlines.toml",
        "number = \"12345\"",
        "number = \"12345\"\nplatform = \"12333\"",
        "c/hotlines.toml:4:12: hotline.platform: ",
        "utility",
    ),
    (
        "hotlines.toml",
        "number = \"12345\"",
        "number = \"12345\"\norg_code = \"11650000000000000A\"",
        "c/hotlines.toml:4:12: hotline.org_code: `11650000000000000A` is no code",
        "GB 32100",
    ),
    (
        "hotlines.toml",
        "number = \"12345\"",
        "number = \"110\"\norg_code = \"65300100000\"",
        "c/hotlines.toml:4:12: hotline.org_code: `65300100000` is no code",
        "12 digits",
    ),
    (
        "agents.toml",
        "id = \"desk\"",
        "id = \"desk\"\nregion = \"1\"",
        "c/agents.toml:4:10: group.region: there is no region",
        "regions.csv",
    ),
];

#[test]
fn every_bad_set_is_refused_with_its_place_and_its_remedy() {
    assert!(good().load().is_ok());
    for (file, old, new, beginning, remedy) in BAD {
        good().replacing(&format!("c/{file}"), old, new).must_be_refused(new, beginning, remedy);
    }
}

#[test]
fn an_emergency_without_a_duty_desk_is_refused() {
    let emergency =
        |case: Case| case.replacing("c/hotlines.toml", "[[hotline]]", "[[hotline]]\npriority = \"emergency\"");
    let problems = emergency(good()).load().expect_err("nobody to turn to");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|line| line.contains("territory.targets") && line.contains("duty_desk")), "{told:?}");
    // A desk with hours is none; one without them serves both rows, and so does one in the hotline's own plan.
    let with = |desk: &str| {
        good().replacing("c/territories.toml", "number = \"110\" }", &format!("number = \"110\" }}, {desk}"))
    };
    assert!(
        emergency(with("{ group = \"desk\", class = \"duty_desk\", hours = \"Mon 09:00-10:00\" }")).load().is_err()
    );
    assert!(emergency(with("{ group = \"desk\", class = \"duty_desk\" }")).load().is_ok());
    let plan = good().replacing("c/hotlines.toml", "group = \"desk\"", "group = \"desk\"\nclass = \"duty_desk\"");
    assert!(emergency(plan).load().is_ok());
}

#[test]
fn a_named_file_that_is_not_there_is_a_problem() {
    for (key, file) in [("territories", "t.toml"), ("regions", "r.csv"), ("former_regions", "f.csv")] {
        let files = format!("[files]\n{key} = \"{file}\"\n[sip]");
        let problems = Case::good().replacing("c/lianxian.toml", "[sip]", &files).load().expect_err(key);
        assert!(problems.iter().any(|problem| problem.file == Path::new("c").join(file)), "{key}: {problems:?}");
    }
    let homes = good().replacing("c/territories.toml", "area_codes", "number_homes = \"phone.dat\"\narea_codes");
    let told = homes.load().expect_err("there is no such file")[0].to_string();
    assert!(told.starts_with("c/territories.toml:3:16: number_homes: c/phone.dat: cannot be read"), "{told}");
}
