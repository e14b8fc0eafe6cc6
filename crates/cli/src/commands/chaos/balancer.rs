//! What stands before the workers: one address for the vendors, as a load balancer has it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Workers that live, by their place. A connection goes to each in turn and ends with it; while none lives it is cut.
#[derive(Clone, Default)]
pub(super) struct Balancer {
    living: Arc<Mutex<Vec<(usize, SocketAddr)>>>,
    next: Arc<AtomicUsize>,
}

impl Balancer {
    /// Starts to take connections; gives the address. It ends with the runtime.
    pub(super) async fn start(&self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let balancer = self.clone();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((client, _)) => drop(tokio::spawn(balancer.clone().carry(client))),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        Ok(address)
    }

    /// A worker listens.
    pub(super) fn lives(&self, place: usize, address: SocketAddr) {
        let mut living = self.lock();
        living.retain(|(known, _)| *known != place);
        living.push((place, address));
    }

    /// It does not any more.
    pub(super) fn died(&self, place: usize) {
        self.lock().retain(|(known, _)| *known != place);
    }

    /// How many live.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    async fn carry(self, mut client: TcpStream) {
        let Some(worker) = self.pick() else { return cut(&client) };
        match TcpStream::connect(worker).await {
            // How it ends is the affair of the two.
            Ok(mut worker) => drop(copy_bidirectional(&mut client, &mut worker).await),
            Err(_) => cut(&client),
        }
    }

    fn pick(&self) -> Option<SocketAddr> {
        let living = self.lock();
        let at = self.next.fetch_add(1, Ordering::Relaxed) % living.len().max(1);
        living.get(at).map(|(_, address)| *address)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, SocketAddr)>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reset in place of an orderly end. Where it cannot be had, the connection ends in order.
fn cut(client: &TcpStream) {
    client.set_zero_linger().ok();
}
