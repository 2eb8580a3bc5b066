//! Regions by code, name and address.

use crate::base::ids::RegionCode;
use crate::routing::regions::{FormerCode, Found, Kind, Level, Region, Regions};

fn region(code: &str, name: &str, short: &str, level: Level, parent: &str, aliases: &[&str]) -> Region {
    Region {
        code: RegionCode::from(code),
        name: name.into(),
        short: short.into(),
        level,
        parent: (!parent.is_empty()).then(|| RegionCode::from(parent)),
        kind: Kind::Gb,
        aliases: aliases.iter().map(|alias| (*alias).into()).collect(),
    }
}

fn regions() -> Regions {
    let former = [("653021", "653001"), ("110103", "110101"), ("653200", "653000"), ("999999", "888888")];
    let former = former.map(|(old, new)| FormerCode { old: old.into(), new: RegionCode::from(new) });
    Regions::new(
        vec![
            region("110000", "北京市", "北京", Level::Province, "", &["京"]),
            region("110101", "东城区", "东城", Level::County, "110000", &[]),
            region("110105", "朝阳区", "朝阳", Level::County, "110000", &[]),
            region("211300", "朝阳市", "朝阳", Level::City, "", &[]),
            region("460000", "海南省", "海南", Level::Province, "", &[]),
            region("632500", "海南藏族自治州", "海南", Level::City, "", &["青海海南州"]),
            region("650000", "新疆维吾尔自治区", "新疆", Level::Province, "", &[]),
            region("653000", "克孜勒苏柯尔克孜自治州", "克孜勒苏", Level::City, "650000", &["克州"]),
            region("653001", "阿图什市", "阿图什", Level::County, "653000", &[]),
            region("653200", "和田地区", "和田", Level::City, "650000", &[]),
            region("653201", "和田市", "和田", Level::County, "653200", &[]),
            region("620200-K", "甘肃矿区", "甘肃矿区", Level::County, "", &["矿区"]),
        ],
        &former,
    )
}

#[test]
fn a_region_is_known_by_every_code_and_name_that_it_has_and_had() {
    let regions = regions();
    for (text, code) in [
        ("653001", Some("653001")),
        ("653001000000", Some("653001")),
        ("653021", Some("653001")),
        ("653021000000", Some("653001")),
        ("阿图什市", Some("653001")),
        ("阿图什", Some("653001")),
        ("克州", Some("653000")),
        (" 克孜勒苏 ", Some("653000")),
        ("620200-K", Some("620200-K")),
        ("矿区", Some("620200-K")),
        // A code that is used again means whom it means today, and a former code of nobody means nobody.
        ("653200", Some("653200")),
        ("999999", None),
        // A whole name beats the same short name of another.
        ("朝阳市", Some("211300")),
        ("653001000001", None),
        ("", None),
        ("火星", None),
    ] {
        let found = match regions.find(text) {
            Found::One(region) => Some(region.code.as_str()),
            Found::Several(_) | Found::Nothing => None,
        };
        assert_eq!(found, code, "{text}");
    }
    for text in ["朝阳", "海南", "和田"] {
        assert!(matches!(regions.find(text), Found::Several(all) if all.len() == 2), "{text}");
    }
}

#[test]
fn an_address_is_as_small_a_region_as_it_names() {
    let regions = regions();
    for (address, code) in [
        ("新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿图什市光明路1号", Some("653001")),
        ("新疆 克州 阿图什 光明路1号", Some("653001")),
        ("新疆阿图什市", Some("653001")),
        ("克州某处", Some("653000")),
        ("653001", Some("653001")),
        ("北京市朝阳区建国路", Some("110105")),
        ("和田市北京路", Some("653201")),
        ("海南某处", Some("460000")),
        ("朝阳大街", Some("211300")),
        ("光明路1号", None),
        ("", None),
    ] {
        assert_eq!(regions.of_address(address).map(|region| region.code.as_str()), code, "{address}");
    }
}

#[test]
fn a_chain_leads_up_to_the_province_and_ends_in_a_circle_too() {
    let all = regions();
    let chain: Vec<&str> = all.chain("653021").map(|region| region.code.as_str()).collect();
    assert_eq!(chain, ["653001", "653000", "650000"]);
    assert_eq!(all.full_name("653001"), "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿图什市");
    assert_eq!(all.common(["653001", "653201"].into_iter()).unwrap().code.as_str(), "650000");
    let circle = Regions::from(vec![
        region("1", "甲", "甲", Level::City, "2", &[]),
        region("2", "乙", "乙", Level::City, "1", &[]),
    ]);
    assert!(circle.chain("1").count() < 10);
}
