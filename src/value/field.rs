//! Fields of objects: their types and the conflict resolutions each allows.

use serde::{Deserialize, Serialize};

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One line of text, up to 255 characters.
    Text,
    /// Text of any length.
    Longtext,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phonenumber,
    /// A whole number, 64 bits.
    Integer,
    /// An exact decimal number.
    Decimal,
    /// An exact amount; at most as many decimals as its currency has.
    Money {
        /// ISO 4217 code, such as `USD`.
        currency: String,
    },
    /// A day.
    Date,
    /// An instant.
    Datetime,
    /// True or false.
    Checkbox,
    /// One of the options.
    Dropdown,
    /// One of the options.
    Radio,
    /// One of the options, in their order.
    Status,
    /// Several of the options.
    Checkboxes,
    /// Several of the options; new ones appear by themselves.
    Dynamictags,
    /// A whole number from 1 to 5.
    Rating,
    /// The id of a record of another object.
    Relationship {
        /// The other object's API name.
        object: String,
    },
    /// `yes`, `no` or `maybe`.
    Yesnomaybe,
    /// An IANA time zone name.
    Timezone,
}

impl FieldType {
    /// Every type's name, in the order of the reference.
    pub const NAMES: [&'static str; 19] = [
        "text",
        "longtext",
        "email",
        "phonenumber",
        "integer",
        "decimal",
        "money",
        "date",
        "datetime",
        "checkbox",
        "dropdown",
        "radio",
        "status",
        "checkboxes",
        "dynamictags",
        "rating",
        "relationship",
        "yesnomaybe",
        "timezone",
    ];

    /// The type's name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            FieldType::Text => "text",
            FieldType::Longtext => "longtext",
            FieldType::Email => "email",
            FieldType::Phonenumber => "phonenumber",
            FieldType::Integer => "integer",
            FieldType::Decimal => "decimal",
            FieldType::Money { .. } => "money",
            FieldType::Date => "date",
            FieldType::Datetime => "datetime",
            FieldType::Checkbox => "checkbox",
            FieldType::Dropdown => "dropdown",
            FieldType::Radio => "radio",
            FieldType::Status => "status",
            FieldType::Checkboxes => "checkboxes",
            FieldType::Dynamictags => "dynamictags",
            FieldType::Rating => "rating",
            FieldType::Relationship { .. } => "relationship",
            FieldType::Yesnomaybe => "yesnomaybe",
            FieldType::Timezone => "timezone",
        }
    }

    /// Whether its values are option labels.
    pub fn has_options(&self) -> bool {
        matches!(
            self,
            FieldType::Dropdown
                | FieldType::Radio
                | FieldType::Status
                | FieldType::Checkboxes
                | FieldType::Dynamictags
        )
    }

    /// Whether it holds several values.
    pub fn is_multiple(&self) -> bool {
        matches!(self, FieldType::Checkboxes | FieldType::Dynamictags)
    }

    /// The conflict resolutions that make sense for it; the first is the default.
    ///
    /// From the facts: `only_add_options` is for multi-select fields only.
    pub fn resolutions(&self) -> &'static [Resolution] {
        use Resolution::*;
        if self.is_multiple() {
            &[OnlyUpdateBlank, Overwrite, OnlyAddOptions, OverwriteExceptNull]
        } else {
            &[OnlyUpdateBlank, Overwrite, OverwriteExceptNull]
        }
    }
}

/// What happens where the record already has a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The value is written only where the field is blank. The default.
    #[default]
    OnlyUpdateBlank,
    /// The value is always written, an empty one too.
    Overwrite,
    /// Options are added, none is taken away. Multi-select fields only.
    OnlyAddOptions,
    /// The value is written unless it is empty.
    OverwriteExceptNull,
}

impl Resolution {
    /// Every resolution.
    pub const ALL: [Resolution; 4] = [
        Resolution::OnlyUpdateBlank,
        Resolution::Overwrite,
        Resolution::OnlyAddOptions,
        Resolution::OverwriteExceptNull,
    ];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Resolution::OnlyUpdateBlank => "only_update_blank",
            Resolution::Overwrite => "overwrite",
            Resolution::OnlyAddOptions => "only_add_options",
            Resolution::OverwriteExceptNull => "overwrite_except_null",
        }
    }

    /// The resolution of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldSchema {
    /// Its API name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: FieldType,
    /// Whether a record must have it.
    pub required: bool,
    /// Whether no two records may share a value.
    pub unique: bool,
    /// The declared option labels, in order.
    pub options: Vec<String>,
}

/// An object: a kind of record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// Its API name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its fields, in the order written.
    pub fields: Vec<FieldSchema>,
}

impl ObjectSchema {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldSchema> {
        self.fields.iter().find(|f| f.name == name)
    }
}
