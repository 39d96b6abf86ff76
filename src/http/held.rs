//! Keeping something for as long as an answer takes: a place among the requests in work, room for what came in.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use http_body::{Frame, SizeHint};

/// Keeps `what` until the answer is written or given up. An answer that is all there already is as good as written, and is not
/// looked after; only a stream is.
pub(crate) fn until_its_end<T: Send + Unpin + 'static>(response: Response, what: T) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| Body::new(Held { body, _what: what }))
}

struct Held<T> {
    body: Body,
    _what: T,
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::response::IntoResponse;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_keeps_what_it_needs_and_a_whole_answer_lets_it_go() {
        let what = Arc::new(());
        let stream = Body::new(Body::from("abc").map_frame(|frame| frame));
        let stream = Body::from_stream(stream.into_data_stream());
        let mut response = until_its_end(stream.into_response(), Arc::clone(&what));
        assert_eq!(Arc::strong_count(&what), 2);
        assert_eq!(response.body_mut().collect().await.unwrap().to_bytes(), "abc");
        drop(response);
        assert_eq!(Arc::strong_count(&what), 1);

        let whole = until_its_end("abc".into_response(), Arc::clone(&what));
        assert_eq!(Arc::strong_count(&what), 1);
        drop(whole);
    }
}
