//! Load steps.

use super::*;

#[test]
fn fields_are_known_and_mapped_once() {
    only(&changed("email  <- email", "emial  <- email"), Code::UnknownField, "emial", "`email`");
    only(&changed("match email with", "match emial with"), Code::UnknownField, "emial", "`email`");
    only(&changed("by code with vendor", "by cod with vendor"), Code::UnknownField, "cod", "`code`");
    only(&changed("code   <- code", "name   <- code"), Code::MappedTwice, "name", "join");
    only(&changed("email  <- email", "id     <- email"), Code::UnknownField, "id", "given to it");
    let found = changed("email  <- email", "emial  <- email").check();
    assert!(found.iter().any(|d| d.labels.iter().any(|l| l.text == "declared here")));
}

#[test]
fn types_fit_their_fields() {
    only(
        &changed("price  <- price ", "price  <- active "),
        Code::TypeDoesNotFitField,
        "active",
        "does not fit",
    );
    only(
        &changed("match sku with sku", "match sku with tags"),
        Code::CannotMatchOn,
        "tags",
        "several values",
    );
    only(&changed("match sku with sku", "match id with sku"), Code::TypeDoesNotFitField, "sku", "uuid");
    only(
        &changed("match sku with sku", "match tags with sku"),
        Code::CannotMatchOn,
        "tags",
        "several values",
    );
}

#[test]
fn names_and_required_fields_are_mapped() {
    only(&changed("    name   <- sku\n", ""), Code::NameNotMapped, "map", "`name`");
    only(
        &changed_crm("origin: text\n", "origin: text\n  extra: text required\n"),
        Code::RequiredNotMapped,
        "map",
        "`extra <- …`",
    );
}

#[test]
fn words_and_resolutions_are_known() {
    only(
        &changed("price  <- price   overwrite", "price  <- price   overwite"),
        Code::UnknownWord,
        "overwite",
        "`overwrite`",
    );
    only(
        &changed("price  <- price   overwrite", "price  <- price   only_add_options"),
        Code::IllegalResolution,
        "only_add_options",
        "money",
    );
    only(
        &changed("one      update_current", "one      update_curent"),
        Code::UnknownWord,
        "update_curent",
        "`update_current`",
    );
    only(&changed("one      update_current", "on      update_current"), Code::UnknownWord, "on", "`one`");
    only(
        &changed("many     do_not_upload", "many     create_new"),
        Code::IllegalAction,
        "create_new",
        "`many`",
    );
    only(
        &changed("price  <- price   overwrite", "price  <- price   overwrite create_options"),
        Code::OptionsNotAllowed,
        "create_options",
        "money",
    );
}

#[test]
fn rules_are_reached_and_end() {
    let rule = "    none     next_rule_ignore_previous\n";
    let found = changed(rule, "");
    only(&found, Code::UnreachableRule, "match email with email", "no row ever");
    assert_eq!(under(&found, &found.check()[0], 1).lines().next(), Some("match code with code {"));
    only(
        &changed("match sku with sku ", "match sku with sku { none next_rule }"),
        Code::LastRuleFallsThrough,
        "next_rule",
        "`create_new`",
    );
}

#[test]
fn steps_have_rules_and_mappings() {
    only(
        &changed("  match sku with sku                # the default actions are an upsert\n", ""),
        Code::NoMatchingRule,
        "products",
        "match sku with sku",
    );
    let start = PRICES.find("  map {\n    name   <- sku").unwrap();
    let end = PRICES.find("  expose").unwrap();
    among(
        &project(&format!("{}{}", &PRICES[..start], &PRICES[end..]), &[]),
        Code::NoMapping,
        "products",
        "maps nothing",
    );
}

#[test]
fn errors_scopes_are_not_loaded() {
    let found = changed("load vendors into", "load vendors from price_errors into");
    only(&found, Code::ErrorsScopeLoaded, "price_errors", "for people");
}

#[test]
fn exposed_ids_are_there_for_later_steps_of_the_scope() {
    let again = "\nload again from products into crm.products {\n  match id with product_id\n  map { name <- sku }\n}\n";
    assert_eq!(listing(&project(&format!("{PRICES}{again}"), &[])), "");
    only(
        &changed("match sku with sku", "match id with product_id"),
        Code::ExposedTooEarly,
        "product_id",
        "not there yet",
    );
    let elsewhere = "\nload again from vendors into crm.products {\n  match id with product_id\n  map { name <- name }\n}\n";
    only(
        &project(&format!("{PRICES}{elsewhere}"), &[]),
        Code::ExposedTooEarly,
        "product_id",
        "belongs to the rows of `products`",
    );
}

#[test]
fn relationships_point_to_their_object() {
    only(
        &changed("find vendors by code", "find crm.products by sku"),
        Code::WrongRelationship,
        "crm.products",
        "`vendors`",
    );
    only(
        &changed("origin <- source", "origin <- find vendors by code with source"),
        Code::WrongRelationship,
        "find vendors by code with source",
        "relationship fields",
    );
    let wrong = "\nload again from products into crm.products {\n  match sku with sku\n  map { name <- sku\n vendor <- product_id }\n}\n";
    only(
        &project(&format!("{PRICES}{wrong}"), &[]),
        Code::WrongRelationship,
        "product_id",
        "not of `vendors`",
    );
}

#[test]
fn literals_fit_their_fields() {
    only(
        &changed("region <- region  overwrite", "region <- \"EMA\""),
        Code::UnknownOptionLabel,
        "\"EMA\"",
        "\"EMEA\"",
    );
    only(
        &changed("price  <- price   overwrite", "price  <- \"cheap\""),
        Code::LiteralDoesNotFit,
        "\"cheap\"",
        "",
    );
    only(
        &changed("price  <- price   overwrite", "price  <- 1.005"),
        Code::LiteralDoesNotFit,
        "1.005",
        "2 decimals",
    );
}

#[test]
fn an_exposed_id_is_not_looked_up() {
    let wrong = "\nload again from products into crm.products {\n  match sku with sku\n  map { name <- sku\n vendor <- find vendors by id with product_id }\n}\n";
    only(&project(&format!("{PRICES}{wrong}"), &[]), Code::TypeDoesNotFitField, "product_id", "already");
}

#[test]
fn a_misspelt_variable_does_not_leave_the_right_one_unused() {
    let found = changed("price  <- price   overwrite", "price  <- prize   overwrite");
    let codes: Vec<_> = found.check().iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::UnknownName], "{}", listing(&found));
}

#[test]
fn a_rule_is_suggested_by_a_field_that_has_its_variable() {
    let rule = "  match sku with sku                # the default actions are an upsert\n";
    let source =
        PRICES.replace(rule, "").replace("  sku:     string required", "  key:     string required from sku");
    among(&project(&source, &[]), Code::NoMatchingRule, "products", "on a field that tells records apart");
}
