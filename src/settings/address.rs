//! An address to listen on: `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/retoure/retoure.sock`.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use serde::{Serialize, Serializer};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and a port; port 0 takes any that is free.
    Tcp(SocketAddr),
    /// The path of a UNIX socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Whether the system picks the port, so that two equal addresses are two sockets.
    pub(super) fn is_any_port(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.port() == 0)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080, or unix:/path/of/the.sock";
        match text.strip_prefix("unix:") {
            Some("") => Err(format!("the path is missing; {expected}")),
            Some(path) => Ok(Self::Unix(PathBuf::from(path))),
            None => text.parse().map(Self::Tcp).map_err(|_| expected.to_owned()),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for (text, local) in [
            ("127.0.0.1:8080", true),
            ("127.8.0.1:1", true),
            ("[::1]:8080", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("unix:/run/retoure/retoure.sock", true),
            ("0.0.0.0:8080", false),
            ("[::]:8080", false),
            ("192.0.2.7:80", false),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.is_local(), local, "{text}");
        }
        for text in ["nowhere", "localhost", "8080", "127.0.0.1", "unix:", "127.0.0.1:99999", ""] {
            assert!(text.parse::<ListenAddress>().unwrap_err().contains("expected ADDRESS:PORT"), "{text:?}");
        }
    }
}
