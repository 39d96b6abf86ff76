//! Query parameters: what each route takes, and nothing else, so that a typo is never silently ignored.

use axum::{
    extract::{FromRequestParts, rejection::QueryRejection},
    http::{StatusCode, Uri, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, language};
use crate::{catalog::CodeKind, classify::Fields};

/// A query string, read into `T`; whatever is wrong with it is a 422.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default + Check> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.uri).map(Self)
    }
}

impl<T: DeserializeOwned + Default + Check> Query<T> {
    /// What the query string of `uri` says.
    pub(super) fn of(uri: &Uri) -> Result<T, Problem> {
        if let Some(usual) = uri.query().map_or_else(|| Some(T::default()), T::usual) {
            return Ok(usual);
        }
        let axum::extract::Query(query) =
            axum::extract::Query::<T>::try_from_uri(uri).map_err(|rejection| rejected(&rejection))?;
        query.check().map_err(|detail| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))?;
        Ok(query)
    }
}

fn rejected(rejection: &QueryRejection) -> Problem {
    let text = rejection.body_text();
    let told = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the query string is wrong: {told}"))
}

/// What a type alone does not check.
pub(super) trait Check: Sized {
    /// What a query string says that many callers send, and that need not be taken apart each time.
    fn usual(_query: &str) -> Option<Self> {
        None
    }

    /// What is wrong and what was expected.
    fn check(&self) -> Result<(), String>;
}

fn check_language(tag: Option<&str>) -> Result<(), String> {
    match tag.filter(|tag| !language::is_tag(tag)) {
        Some(_) => Err("`lang` is not a language tag; expected one such as `de` or `en`".to_owned()),
        None => Ok(()),
    }
}

/// How a single resource is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LookUp {
    /// The language of the texts; goes before `Accept-Language`. Where a text is missing in it, English is given.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
}

impl Check for LookUp {
    fn check(&self) -> Result<(), String> {
        check_language(self.lang.as_deref())
    }
}

/// How a single code is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LookUpCode {
    /// The language of the texts; goes before `Accept-Language`. Where a text is missing in it, English is given.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
    /// Add what this provider means by the code.
    #[param(example = "gmail")]
    pub(super) provider: Option<String>,
}

impl Check for LookUpCode {
    fn check(&self) -> Result<(), String> {
        check_language(self.lang.as_deref())
    }
}

/// How a verdict is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Classify {
    /// The language of the texts; goes before `Accept-Language`.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
    /// `core` leaves out `codes`, `remediation`, `decided_by` and `evidence`.
    #[param(inline)]
    pub(super) fields: Option<FieldsParam>,
}

impl Check for Classify {
    fn usual(query: &str) -> Option<Self> {
        (query == "fields=core").then_some(Self { lang: None, fields: Some(FieldsParam::Core) })
    }

    fn check(&self) -> Result<(), String> {
        check_language(self.lang.as_deref())
    }
}

/// How a report is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ClassifyMessage {
    /// The language of the texts; goes before `Accept-Language`.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
    /// `core` leaves out `codes`, `remediation`, `decided_by` and `evidence`.
    #[param(inline)]
    pub(super) fields: Option<FieldsParam>,
    /// Header fields of the original mail to give back, separated by commas: at most 32.
    #[param(example = "X-Campaign-Id,Feedback-ID")]
    pub(super) headers: Option<String>,
}

impl ClassifyMessage {
    /// The names of the fields that are wanted.
    pub(super) fn wanted(&self) -> Vec<String> {
        field_names(self.headers.as_deref())
    }
}

impl Check for ClassifyMessage {
    fn check(&self) -> Result<(), String> {
        check_field_names(&self.wanted())?;
        check_language(self.lang.as_deref())
    }
}

/// How a batch's results are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ClassifyBatch {
    /// The language of the texts; goes before `Accept-Language`.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
    /// `core` leaves out `codes`, `remediation` and `evidence`.
    #[param(inline)]
    pub(super) fields: Option<FieldsParam>,
    /// Header fields of the original mails to give back, separated by commas: at most 32.
    #[param(example = "X-Campaign-Id,Feedback-ID")]
    pub(super) headers: Option<String>,
    /// Whether a stream of results ends with one line more: `{"summary": …}`. One JSON document always has it.
    #[param(example = true, default = false)]
    pub(super) summary: Option<bool>,
}

impl ClassifyBatch {
    /// The names of the fields that are wanted.
    pub(super) fn wanted(&self) -> Vec<String> {
        field_names(self.headers.as_deref())
    }
}

impl Check for ClassifyBatch {
    fn check(&self) -> Result<(), String> {
        check_field_names(&self.wanted())?;
        check_language(self.lang.as_deref())
    }
}

fn field_names(listed: Option<&str>) -> Vec<String> {
    let names = listed.unwrap_or_default().split(',');
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect()
}

fn check_field_names(names: &[String]) -> Result<(), String> {
    let is_name = |name: &String| name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if names.len() <= 32 && names.iter().all(is_name) {
        return Ok(());
    }
    Err("`headers` is no list of field names; expected at most 32, such as `X-Campaign-Id,Feedback-ID`".to_owned())
}

/// How much of a verdict is wanted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldsParam {
    /// Everything.
    All,
    /// Without texts and evidence.
    Core,
}

impl From<Option<FieldsParam>> for Fields {
    fn from(fields: Option<FieldsParam>) -> Self {
        match fields {
            Some(FieldsParam::Core) => Self::Core,
            Some(FieldsParam::All) | None => Self::All,
        }
    }
}

/// Which codes are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListCodes {
    /// Words in any of the catalogue's languages, or a code. All of them must occur; each may begin a longer one.
    #[param(example = "postfach voll")]
    pub(super) q: Option<String>,
    /// The first digit.
    #[param(example = 5, minimum = 1, maximum = 9)]
    pub(super) class: Option<u8>,
    /// What kind of number.
    #[param(inline)]
    pub(super) kind: Option<CodeKind>,
    /// How many at most.
    #[param(example = 20, minimum = 1, maximum = 500, default = 100)]
    pub(super) limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    pub(super) cursor: Option<String>,
    /// The language of the texts; goes before `Accept-Language`.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
}

impl Check for ListCodes {
    fn check(&self) -> Result<(), String> {
        if self.class.is_some_and(|class| !(1..=9).contains(&class)) {
            return Err("`class` is not the first digit of a code; expected 1 to 9".to_owned());
        }
        if self.q.as_ref().is_some_and(|words| words.chars().count() > 200) {
            return Err("`q` is longer than 200 characters; expected a few words".to_owned());
        }
        check_language(self.lang.as_deref())
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// How many at most.
    #[param(example = 20, minimum = 1, maximum = 500, default = 100)]
    pub(super) limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    pub(super) cursor: Option<String>,
    /// The language of the texts; goes before `Accept-Language`.
    #[param(example = "de")]
    pub(super) lang: Option<String>,
}

impl Check for List {
    fn check(&self) -> Result<(), String> {
        check_language(self.lang.as_deref())
    }
}

/// Which unknown replies are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListUnmatched {
    /// How many at most.
    #[param(example = 20, minimum = 1, maximum = 500, default = 100)]
    pub(super) limit: Option<usize>,
    /// Which come first: those that came most often (`count`, as without it), or last (`recent`).
    #[param(inline)]
    pub(super) order: Option<UnmatchedOrder>,
}

/// Which unknown replies come first.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnmatchedOrder {
    /// Those that came most often.
    #[default]
    Count,
    /// Those that came last.
    Recent,
}

impl Check for ListUnmatched {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
