//! What the source document says of the statuses of a connector, taken together.

use super::live;
use crate::common::project::{Project, SHOP};

const ACTIVATE: &[&str] = &["activate", "shop.sconn"];
const DEACTIVATE: &[&str] = &["deactivate", "shop"];
const SETUP: &str = "Setup in Progress";
const OPERATIONAL: &str = "Operational";
const ATTENTION: &str = "Operational (Needs Attention)";
const INACTIVE: &str = "Inactive";

/// What is done, and the status that comes of it.
type Way<'a> = (&'a str, &'a dyn Fn(&Project), &'a str);

/// Execution Statuses: A SmartConnector can be in one of four statuses. Every way from one to another, and what leaves
/// each as it is.
#[test]
fn a_connector_goes_every_way_there_is_between_the_four_statuses() {
    let project = Project::with_shop(SHOP, "");
    let good = |project: &Project| live(project, 0, "good.csv");
    let bad = |project: &Project| live(project, 1, "bad.csv");
    let refused = |project: &Project| live(project, 2, "good.csv");
    let dry = |project: &Project| {
        project.ends(1, &["run", "shop.sconn", "--input", "bad.csv", "--no-report"]);
    };
    let on = |project: &Project| drop(project.ends(0, ACTIVATE));
    let off = |project: &Project| drop(project.ends(0, DEACTIVATE));
    let mut before = SETUP.to_owned();
    let ways: [Way<'_>; 19] = [
        ("dry run", &dry, SETUP),
        ("live run", &refused, SETUP),
        ("activated", &on, OPERATIONAL),
        ("dry run", &dry, OPERATIONAL),
        ("deactivated before any live run", &off, INACTIVE),
        ("live run", &refused, INACTIVE),
        ("dry run", &dry, INACTIVE),
        ("activated again", &on, OPERATIONAL),
        ("live run", &good, OPERATIONAL),
        ("deactivated", &off, INACTIVE),
        ("activated again", &on, OPERATIONAL),
        ("live run with errors", &bad, ATTENTION),
        ("dry run", &dry, ATTENTION),
        ("activated while it is active", &on, ATTENTION),
        ("deactivated", &off, INACTIVE),
        ("activated again", &on, ATTENTION),
        ("live run with errors", &bad, ATTENTION),
        ("live run", &good, OPERATIONAL),
        ("activated while it is active", &on, OPERATIONAL),
    ];
    for (what, way, after) in ways {
        way(&project);
        let text = project.ends(0, &["status", "shop.sconn"]).stdout;
        assert!(text.contains(after) && (after != OPERATIONAL || !text.contains(ATTENTION)), "{text}");
        assert_eq!(project.json(&["status", "shop.sconn"])[0]["status"], after, "{before}, {what}");
        before = after.to_owned();
    }
}
