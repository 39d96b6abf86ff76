//! What is listened on: a TCP port, a UNIX socket, or a socket that systemd has opened and passed (`sd_listen_fds(3)`).

use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::settings::{ListenAddress, Settings, Unusable, anonymous_beyond_this_machine};

/// A socket that takes connections.
#[derive(Debug)]
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener),
    /// A UNIX socket; its file goes with it, unless systemd made it.
    Unix(UnixListener, Option<SocketFile>),
}

/// A connection, just taken.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Accepted {
    pub(super) fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, peer) => Some(peer.ip()),
            Self::Unix(_) => None,
        }
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Accepted::Tcp(stream, peer)),
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    async fn bind(address: &ListenAddress, mode: u32) -> Result<Self, CannotListen> {
        let refused = |error: io::Error| CannotListen(format!("cannot listen on {address}: {error}"));
        match address {
            ListenAddress::Tcp(socket) => match TcpListener::bind(socket).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    Err(CannotListen(format!("cannot listen on {address}: the port is taken; expected a free one")))
                }
                Err(error) => Err(refused(error)),
            },
            ListenAddress::Unix(path) => {
                remove_stale(path)?;
                let listener = UnixListener::bind(path).map_err(refused)?;
                let file = SocketFile::new(path.clone()).map_err(refused)?;
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(refused)?;
                Ok(Self::Unix(listener, Some(file)))
            }
        }
    }

    /// The socket that was passed in this place, if one was.
    fn passed(passed: &mut ListenFd, place: usize) -> Result<Option<Self>, CannotListen> {
        if place >= passed.len() {
            return Ok(None);
        }
        let refused = |error: io::Error| {
            CannotListen(format!(
                "socket {place} of LISTEN_FDS is of no use: {error}; expected ListenStream= of systemd"
            ))
        };
        if let Ok(Some(listener)) = passed.take_tcp_listener(place) {
            listener.set_nonblocking(true).map_err(refused)?;
            return TcpListener::from_std(listener).map(|listener| Some(Self::Tcp(listener))).map_err(refused);
        }
        let Some(listener) = passed.take_unix_listener(place).map_err(refused)? else { return Ok(None) };
        listener.set_nonblocking(true).map_err(refused)?;
        UnixListener::from_std(listener).map(|listener| Some(Self::Unix(listener, None))).map_err(refused)
    }

    fn is_local(&self) -> bool {
        match self {
            Self::Tcp(listener) => listener.local_addr().is_ok_and(|address| ListenAddress::Tcp(address).is_local()),
            Self::Unix(..) => true,
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => listener.local_addr().map_err(|_| fmt::Error)?.fmt(f),
            Self::Unix(listener, _) => match listener.local_addr() {
                Ok(address) => write!(f, "unix:{}", address.as_pathname().unwrap_or(Path::new("(no path)")).display()),
                Err(_) => Err(fmt::Error),
            },
        }
    }
}

/// The listeners for callers and, where there is one, for operators.
///
/// # Errors
/// [`CannotListen`] when a socket cannot be had; [`Unusable`] when a passed one is open to everybody.
pub(super) async fn open(settings: &Settings, mut passed: ListenFd) -> anyhow::Result<(Listener, Option<Listener>)> {
    let listening = &settings.listening;
    let main = match Listener::passed(&mut passed, 0)? {
        Some(listener) => {
            if !listener.is_local() && !settings.access.has_keys() && !settings.access.allow_anonymous {
                return Err(Unusable(anonymous_beyond_this_machine(&listener)).into());
            }
            listener
        }
        None => Listener::bind(&listening.listen, listening.socket_mode).await?,
    };
    let admin = match (Listener::passed(&mut passed, 1)?, &listening.admin_listen) {
        (Some(listener), _) => Some(listener),
        (None, Some(address)) => Some(Listener::bind(address, listening.socket_mode).await?),
        (None, None) => None,
    };
    Ok((main, admin))
}

/// A server that was killed leaves its socket behind. It is removed when nobody listens on it; what is no socket never is.
fn remove_stale(path: &Path) -> Result<(), CannotListen> {
    let name = path.display();
    let refused = |why: String| Err(CannotListen(format!("cannot listen on unix:{name}: {why}")));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return refused(error.to_string()),
        Ok(found) if !found.file_type().is_socket() => {
            return refused("there is something that is no socket; it is left alone, expected another path".to_owned());
        }
        Ok(_) => {}
    }
    match StdUnixStream::connect(path) {
        Ok(_) => refused("another process listens there; expected it to be stopped first, or another path".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                refused(format!("the socket of a dead process cannot be removed: {error}"))
            }
            _ => Ok(()),
        },
        Err(error) => refused(format!("there is a socket that cannot be asked: {error}")),
    }
}

/// The file of a UNIX socket, removed at the end if it is still the one we made: by then a successor may listen there.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: PathBuf) -> io::Result<Self> {
        let made = fs::symlink_metadata(&path)?;
        Ok(Self { path, identity: (made.dev(), made.ino()) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            // If this fails, the next start removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// No socket to listen on. The process ends with status 69 (`EX_UNAVAILABLE`).
#[derive(Debug)]
pub struct CannotListen(String);

impl fmt::Display for CannotListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotListen {}
