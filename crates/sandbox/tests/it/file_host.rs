//! Where the server under test would keep files for a vendor to fetch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What was asked for: the method, the path, and the headers.
pub(crate) type Asked = (String, String, HeaderMap);

/// A media type and what is in the file.
type File = (String, Vec<u8>);

/// A host of files. Cheap to clone.
#[derive(Clone)]
pub(crate) struct FileHost {
    pub(crate) url: String,
    files: Arc<Mutex<HashMap<String, File>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FileHost {
    pub(crate) async fn start() -> FileHost {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let host = FileHost { url, files: Arc::default(), asked: Arc::default() };
        let router = Router::new().fallback(answer).with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        host
    }

    /// Takes a file; returns its address.
    pub(crate) fn holds(&self, name: &str, kind: &str, bytes: Vec<u8>) -> String {
        self.files.lock().unwrap().insert(name.to_owned(), (kind.to_owned(), bytes));
        format!("{}/{name}", self.url)
    }

    /// The address of a file behind so many redirects.
    pub(crate) fn behind(&self, redirects: usize, name: &str) -> String {
        format!("{}/redirects/{redirects}/{name}", self.url)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(host): State<FileHost>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let asked = (request.method().to_string(), path.clone(), request.headers().clone());
    host.asked.lock().unwrap().push(asked);
    if let Some((left, name)) = path.strip_prefix("/redirects/").and_then(|rest| rest.split_once('/')) {
        let left: usize = left.parse().unwrap();
        let next = if left > 1 { host.behind(left - 1, name) } else { format!("{}/{name}", host.url) };
        return (StatusCode::FOUND, [(header::LOCATION, next)]).into_response();
    }
    match host.files.lock().unwrap().get(path.trim_start_matches('/')) {
        Some((kind, bytes)) => ([(header::CONTENT_TYPE, kind.clone())], bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
