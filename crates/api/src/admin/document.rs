//! The OpenAPI document, made of the handlers themselves, and its viewer. Both are open: there is no secret in them.

use super::ROOT;
use super::problem::ErrorBody;
use crate::App;
use axum::Router;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, PathItem, Ref, Response};
use utoipa::{OpenApi, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where to read more, for errors.
pub(super) const WHERE: &str = "/v1/admin/docs shows all of it.";

/// What stands over the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Twinwire admin API",
        description = "What operators ask a Twinwire for; `twinwire` on the command line is a client of it. \
                       Send a token as `Authorization: Bearer …`: TWINWIRE_ADMIN_TOKEN, or one that \
                       `twinwire tokens create` has made. Every operation names the scope that it needs: metrics < read < operate < admin.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody))
)]
struct Head;

/// The whole document.
pub(super) fn document(paths: Document, setup: Document) -> Document {
    let mut document = Head::openapi().nest(ROOT, paths).nest("/v1", setup);
    let components = document.components.get_or_insert_default();
    let token = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the scope that the operation names, or of a wider one."));
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    document.paths.paths.values_mut().flat_map(operations).for_each(refused);
    document
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, post, put, delete, patch, .. } = item;
    [get, post, put, delete, patch].into_iter().flatten()
}

/// The answers that every operation can give.
fn refused(operation: &mut Operation) {
    for (status, words) in [
        ("400", "It was asked wrongly."),
        ("401", "The token is missing or wrong."),
        ("403", "The token's scope is too narrow."),
        ("429", "Too many wrong tokens came from your address."),
        ("503", "The database cannot be reached."),
    ] {
        let body = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
        let response = Response::builder().description(words).content("application/json", body);
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.build().into());
    }
}

/// The document at `openapi.json`, and the viewer at `docs`.
pub(super) fn viewer(paths: Document, setup: Document) -> Router<App> {
    // By itself it would show the document's address to somebody else, who would say whether it is valid; and read a document
    // that a link names, which could send a token anywhere.
    let config = Config::default().validator_url("none").query_config_enabled(false);
    let viewer = SwaggerUi::new(format!("{ROOT}/docs")).config(config);
    viewer.url(format!("{ROOT}/openapi.json"), document(paths, setup)).into()
}
