//! Packed bodies: requests in gzip or zstd (RFC 1952, RFC 8878) are unpacked as they are read, answers packed as
//! `Accept-Encoding` asks. Streams are flushed whenever nothing more is at hand.
//!
//! What a request unpacks to is bounded where it is read, by the same bound as if it had come unpacked.

use std::{error::Error, fmt, io};

use async_compression::{
    Level,
    tokio::bufread::{GzipDecoder, GzipEncoder, ZstdDecoder, ZstdEncoder},
    zstd::DParameter,
};
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use tokio::io::{AsyncBufRead, AsyncRead};
use tokio_util::io::{ReaderStream, StreamReader};

use super::Problem;

/// Below this, packing saves no packet.
const LEAST_BYTES: u64 = 128;

/// A zstd decoder keeps its window in memory; RFC 9659 allows 8 MiB in HTTP, where the format itself allows thousands.
const WINDOW_LOG: u32 = 23;

/// Bytes that are unpacked or packed at a time.
const FRAME_BYTES: usize = 64 << 10;

/// The codings that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    fn of(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }
}

/// The connection broke, not what came over it.
#[derive(Debug)]
struct BrokeOff;

impl fmt::Display for BrokeOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection broke")
    }
}

impl Error for BrokeOff {}

/// What came is not what `Content-Encoding` says.
#[derive(Debug)]
pub(super) struct CannotUnpack;

impl fmt::Display for CannotUnpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body cannot be unpacked")
    }
}

impl Error for CannotUnpack {}

/// Marks a request that came packed.
#[derive(Clone, Copy, Debug)]
struct Packed;

/// Whether the request came packed.
pub(super) fn is_packed(request: &Request) -> bool {
    request.extensions().get::<Packed>().is_some()
}

/// Makes the body of a request be unpacked as it is read.
///
/// # Errors
/// The refusal, where its coding is not known.
pub(super) fn unpack(mut request: Request) -> Result<Request, Box<Response>> {
    let Some(name) = request.headers_mut().remove(header::CONTENT_ENCODING) else { return Ok(request) };
    let name = name.to_str().unwrap_or_default();
    if name.eq_ignore_ascii_case("identity") {
        return Ok(request);
    }
    let Some(coding) = Coding::of(name) else {
        let detail = "the Content-Encoding is not one that is taken here; expected `gzip`, `zstd`, or none";
        let mut refusal = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into_response();
        // RFC 7694 §3.
        refusal.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
        return Err(Box::new(refusal));
    };
    let (mut parts, body) = request.into_parts();
    // It tells the length of what was packed.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.extensions.insert(Packed);
    // RFC 1952 §2.2, RFC 8878 §3: what is packed may be several frames, as `cat a.gz b.gz` makes it.
    let body = match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(reader(body));
            decoder.multiple_members(true);
            unpacked(decoder)
        }
        Coding::Zstd => {
            let mut decoder = ZstdDecoder::with_params(reader(body), &[DParameter::window_log_max(WINDOW_LOG)]);
            decoder.multiple_members(true);
            unpacked(decoder)
        }
    };
    Ok(Request::from_parts(parts, body))
}

/// Packs an answer in the coding that was [`wanted`], where it is long enough.
pub(super) fn pack(response: Response, coding: Option<Coding>) -> Response {
    let length = match response.body().size_hint().upper() {
        // The answer to HEAD has the fields of the one to GET.
        Some(0) => announced(response.headers()),
        most => most,
    };
    let is_short = length.is_some_and(|most| most < LEAST_BYTES);
    if is_short || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, mut body) = response.into_parts();
    // What our own answers vary by is the language, if anything.
    let is_by_language = parts.headers.contains_key(header::VARY);
    let vary = if is_by_language { "accept-language, accept-encoding" } else { "accept-encoding" };
    parts.headers.insert(header::VARY, HeaderValue::from_static(vary));
    if let Some(coding) = coding {
        let name = match coding {
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        };
        parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        parts.headers.remove(header::CONTENT_LENGTH);
        weaken_tag(&mut parts.headers);
        // Level 1: on answers such as ours the higher ones cost several times as much and save a tenth.
        body = match coding {
            Coding::Gzip => framed(GzipEncoder::with_quality(reader(body), Level::Precise(1))),
            Coding::Zstd => framed(ZstdEncoder::with_quality(reader(body), Level::Precise(1))),
        };
    }
    Response::from_parts(parts, body)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).map_or(Some(0), |length| length.to_str().ok()?.parse().ok())
}

fn reader(body: Body) -> impl AsyncBufRead + Send + 'static {
    StreamReader::new(body.map_err(|_| io::Error::other(BrokeOff)).into_data_stream())
}

fn framed(reader: impl AsyncRead + Send + 'static) -> Body {
    Body::from_stream(ReaderStream::with_capacity(reader, FRAME_BYTES))
}

/// Tells apart a decoder that understands nothing from a connection that broke.
fn unpacked(decoder: impl AsyncRead + Send + 'static) -> Body {
    Body::new(framed(decoder).map_err(|error| -> Box<dyn Error + Send + Sync> {
        if is_caused_by::<BrokeOff>(&error) { Box::new(BrokeOff) } else { Box::new(CannotUnpack) }
    }))
}

/// Whether an error of type `E` is behind this one. What an `io::Error` holds is not its source: it speaks for it.
pub(super) fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<E>()
        || held.is_some_and(<dyn Error + Send + Sync>::is::<E>)
        || error.source().is_some_and(is_caused_by::<E>)
}

/// What is packed has other bytes, so a strong tag would be wrong (RFC 9110 §8.8.3.3).
fn weaken_tag(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return };
    if !tag.starts_with("W/")
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
}

/// The coding that `Accept-Encoding` likes best (RFC 9110 §12.5.3); zstd where it likes both.
pub(super) fn wanted(headers: &HeaderMap) -> Option<Coding> {
    let mut best: Option<(f32, Coding)> = None;
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let Some(coding) = parts.next().and_then(Coding::of) else { continue };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        let quality = quality.unwrap_or(0.0);
        let is_better = best.is_none_or(|(known, _)| quality > known || quality == known && coding == Coding::Zstd);
        if quality > 0.0 && is_better {
            best = Some((quality, coding));
        }
    }
    best.map(|(_, coding)| coding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_that_is_liked_best() {
        for (accepted, expected) in [
            ("gzip", Some(Coding::Gzip)),
            ("gzip, deflate, br", Some(Coding::Gzip)),
            ("gzip, zstd", Some(Coding::Zstd)),
            ("zstd;q=0.5, gzip;q=0.8", Some(Coding::Gzip)),
            ("gzip;q=0", None),
            ("br, identity", None),
            ("", None),
            (";q=,gzip;q=x", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(wanted(&headers), expected, "{accepted:?}");
        }
        assert_eq!(wanted(&HeaderMap::new()), None);
    }
}
