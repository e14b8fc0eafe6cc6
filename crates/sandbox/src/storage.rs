//! Where a vendor keeps files: another origin than its API, with addresses that nobody can guess and that are
//! themselves the credential, as presigned ones of S3 are.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::core::{Core, Exchange, Refusal, half, refused};
use crate::file::{FileFault, MediaFile};
use crate::locked;
use crate::misbehaviour::{Operation, Stage};
use crate::serve::Cut;

/// What comes of a file that is larger than it should be.
static FILLING: [u8; 64 * 1024] = [b'.'; 64 * 1024];

/// A file that is kept.
#[derive(Clone)]
struct Kept {
    id: String,
    /// Path and query of its address.
    place: String,
    file: MediaFile,
    /// The customer's handle and the text of its message, for the predicates of rules.
    about: (String, String),
}

/// How an API answers for a file.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// With the bytes.
    Itself,
    /// With this redirect to the storage.
    Redirects(StatusCode),
}

/// The storage of one double.
pub(crate) struct Storage {
    core: Arc<Core>,
    address: SocketAddr,
    kept: Mutex<Vec<Kept>>,
    refused: AtomicUsize,
}

impl Storage {
    /// Begins to serve on a free port beside the API.
    pub(crate) async fn start(core: &Arc<Core>, beside: IpAddr) -> io::Result<Arc<Storage>> {
        let listener = TcpListener::bind((beside, 0)).await?;
        let storage = Arc::new(Storage {
            core: Arc::clone(core),
            address: listener.local_addr()?,
            kept: Mutex::default(),
            refused: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&storage));
        core.background.serve(listener, router);
        Ok(storage)
    }

    /// The base URL, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests came with credentials, which are nobody's business here.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Keeps a file under this id and returns its address here.
    pub(crate) fn keep(&self, id: &str, file: MediaFile, about: (String, String)) -> String {
        let ids = &self.core.ids;
        let place = format!("/{}/{}?X-Amz-Expires=300&X-Amz-Signature={}", ids.uid(), ids.uid(), ids.uid());
        let address = format!("{}{place}", self.url());
        locked(&self.kept).push(Kept { id: id.to_owned(), place, file, about });
        address
    }

    /// Sets what is wrong with a file from now on. False when there is no such file.
    pub(crate) fn spoil(&self, id: &str, fault: Option<FileFault>) -> bool {
        let mut kept = locked(&self.kept);
        let found = kept.iter_mut().rev().find(|kept| kept.id == id);
        found.map(|kept| kept.file.fault = fault).is_some()
    }

    /// The answer of the API for a file, at the path where it was asked for.
    pub(crate) fn answer_for(&self, id: &str, path: &str, way: Way) -> Result<Response, Refusal> {
        let kept = locked(&self.kept).iter().rev().find(|kept| kept.id == id).cloned();
        let kept = kept.filter(|kept| kept.file.fault != Some(FileFault::Gone));
        let kept = kept.ok_or_else(|| refused(404, 20404, "The file was not found"))?;
        let status = if let Way::Redirects(status) = way { status } else { StatusCode::FOUND };
        match (&kept.file.fault, way) {
            (Some(FileFault::RedirectTo(to)), _) | (Some(FileFault::StorageRedirectsTo(to)), Way::Itself) => {
                redirect(status, to)
            }
            (Some(FileFault::RedirectLoop), _) => {
                redirect(status, &format!("http://{}{path}", self.core.address))
            }
            (_, Way::Redirects(_)) => redirect(status, &format!("{}{}", self.url(), kept.place)),
            (_, Way::Itself) => Ok(content(&kept.file, &self.core.background.stopped)),
        }
    }

    fn at(&self, uri: &Uri) -> Option<Kept> {
        let asked = uri.path_and_query()?.as_str();
        locked(&self.kept).iter().find(|kept| kept.place == asked).cloned()
    }
}

async fn answer(
    State(storage): State<Arc<Storage>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let core = &storage.core;
    let kept = storage.at(request.uri()).filter(|_| request.method() == Method::GET);
    let (handle, text) = kept.as_ref().map(|kept| kept.about.clone()).unwrap_or_default();
    let fault = core.faults.take(Stage::Answer, Operation::FetchStored, &handle, &text);
    let exchange = Exchange {
        operation: Some(Operation::FetchStored),
        method: request.method().to_string(),
        path: request.uri().to_string(),
        body: String::new(),
        cut,
    };
    let with_credentials = request.headers().contains_key(header::AUTHORIZATION);
    if with_credentials {
        storage.refused.fetch_add(1, Ordering::SeqCst);
    }
    let accept = async {
        if with_credentials {
            return Err(refused(400, 0, "Only one auth mechanism allowed"));
        }
        let kept = kept.ok_or_else(|| refused(403, 0, "Access Denied"))?;
        match &kept.file.fault {
            Some(FileFault::Gone) => Err(refused(404, 0, "The specified key does not exist.")),
            Some(FileFault::StorageRedirectsTo(to)) => redirect(StatusCode::TEMPORARY_REDIRECT, to),
            _ => Ok(content(&kept.file, &core.background.stopped)),
        }
    };
    core.respond(exchange, fault, error, accept).await
}

/// Errors of a storage are XML.
fn error(status: u16, _code: i64, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Message>{message}</Message></Error>");
    (status, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

fn redirect(status: StatusCode, to: &str) -> Result<Response, Refusal> {
    let to = HeaderValue::from_str(to).map_err(|_| refused(500, 0, "The redirect goes nowhere"))?;
    Ok((status, [(header::LOCATION, to)]).into_response())
}

/// A file as it is sent, with what is wrong with it.
fn content(file: &MediaFile, stopped: &CancellationToken) -> Response {
    let whole = file.bytes.0.clone();
    let kind = if let Some(FileFault::TypedAs(other)) = &file.fault { other } else { &file.content_type };
    let kind = HeaderValue::from_str(kind);
    let kind = kind.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let mut response = match &file.fault {
        Some(FileFault::LargerBy(more)) => Body::from_stream(stream::iter(larger(whole, *more))),
        Some(FileFault::Endless) => {
            let more = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&FILLING)));
            Body::from_stream(more.take_until(stopped.clone().cancelled_owned()))
        }
        Some(FileFault::CutShort) => return cut_short(&whole, kind),
        _ => Body::from(whole),
    }
    .into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn cut_short(whole: &Bytes, kind: HeaderValue) -> Response {
    let mut response = half(whole).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn larger(whole: Bytes, more: usize) -> impl Iterator<Item = io::Result<Bytes>> {
    let filling = Bytes::from_static(&FILLING);
    let rest = filling.slice(..more % FILLING.len());
    std::iter::once(whole).chain(std::iter::repeat_n(filling, more / FILLING.len())).chain([rest]).map(Ok)
}
