//! The floor: what axum does with nothing behind it. It reads a body and answers so many bytes, or passes a stream through in the
//! proportion in which answers are longer than questions.
//!
//! - `POST /answer/{bytes}`: reads the body whole, and answers `bytes` bytes of JSON's type.
//! - `POST /stream/{percent}`: answers each piece of the body with so much of its length, as it comes.

use std::{future::ready, io};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
    routing::post,
};
use http_body_util::BodyExt;
use tokio::net::TcpListener;

/// Listens on a free port, or on the one given, shows the address, and answers until the process is ended.
pub(crate) fn serve(address: &str, show: impl FnOnce(&str)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        show(&listener.local_addr()?.to_string());
        axum::serve(listener, router()).await
    })
}

fn router() -> Router {
    let filler = Bytes::from(vec![b'x'; 4 << 20]);
    let streamed = filler.clone();
    let answered = move |Path(bytes): Path<usize>, _question: Bytes| ready(answer(&filler, bytes));
    let passed = move |Path(percent): Path<usize>, questions: Body| ready(stream(streamed, percent, questions));
    Router::new().route("/answer/{bytes}", post(answered)).route("/stream/{percent}", post(passed))
}

fn answer(filler: &Bytes, bytes: usize) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], filler.slice(..bytes.min(filler.len()))).into_response()
}

fn stream(filler: Bytes, percent: usize, questions: Body) -> Response {
    let answers = questions.map_frame(move |frame| {
        frame.map_data(|piece: Bytes| filler.slice(..(piece.len() * percent / 100).clamp(1, filler.len())))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(answers)).into_response()
}
