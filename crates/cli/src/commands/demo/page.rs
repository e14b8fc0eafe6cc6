//! stub
use super::cast::Cast;
use std::net::SocketAddr;
pub(super) const USUAL: &str = "127.0.0.1:8090";
pub(super) struct Page { pub(super) address: SocketAddr }
impl Page {
    pub(super) async fn start(_cast: Cast, address: SocketAddr) -> std::io::Result<Self> { Ok(Self{address}) }
    pub(super) async fn serve(self) -> std::io::Result<()> { std::future::pending().await }
}
