//! A real server on a free port, and a client that asks it.

use std::{net::SocketAddr, sync::LazyLock};

use reqwest::{Client, Response, header};
use retoure::{catalog::Catalog, http::AppState, limits::Limits, serve};
use serde_json::Value;
use tokio::net::TcpListener;

/// One server for all tests of a file; it ends with the process.
pub(crate) async fn server() -> &'static str {
    static URL: LazyLock<String> =
        LazyLock::new(|| start(AppState::new(Catalog::built_in().unwrap(), Limits::default())));
    &URL
}

/// A server of its own, and what it keeps; it ends with the process.
pub(crate) fn server_with(limits: Limits) -> (String, AppState) {
    let state = AppState::new(Catalog::built_in().unwrap(), limits);
    (start(state.clone()), state)
}

fn start(state: AppState) -> String {
    let (sender, receiver) = std::sync::mpsc::channel::<SocketAddr>();
    // A runtime of its own: each test's runtime ends with the test, the server must not.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            serve::answer(listener, state, std::future::pending()).await.unwrap();
        });
    });
    format!("http://{}", receiver.recv().unwrap())
}

/// Posts a reply as text and gives the verdict.
pub(crate) async fn classify(reply: &str) -> Value {
    let answer = post("/v1/classify/reply", "text/plain", reply.to_owned()).await;
    assert_eq!(answer.status(), 200, "{reply:?}");
    answer.json().await.unwrap()
}

pub(crate) async fn post(path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = Client::new().post(format!("{}{path}", server().await)).header(header::CONTENT_TYPE, content_type);
    request.body(body).send().await.unwrap()
}

pub(crate) async fn get(path: &str) -> Response {
    Client::new().get(format!("{}{path}", server().await)).send().await.unwrap()
}

pub(crate) async fn get_json(path: &str) -> Value {
    let answer = get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}
