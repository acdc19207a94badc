//! What every request passes: the name of the server, where the request comes from, the token; and the headers of every
//! answer.
//!
//! A page of another site whose name was pointed at this machine (DNS rebinding) sends its own name as `Host` and is
//! refused by it. There is no cookie, so nothing is sent on its own for another site. No answer has headers of CORS.

use super::Server;
use super::refused::Refused;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What the page may load. NiiVue keeps fonts and pictures as `data:`, which it fetches.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
connect-src 'self' data:; worker-src 'self' blob:; font-src 'self' data:; base-uri 'none'; form-action 'none'; \
frame-ancestors 'none'";

const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses what may not pass, and gives every answer its headers.
pub(crate) async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    server.queue.totals.requests.add(1);
    let checked = check(&server, &request);
    let encrypted = server.access.encrypted;
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    secure(response.headers_mut(), encrypted);
    response
}

fn check(server: &Server, request: &Request) -> Result<(), Refused> {
    check_host(&server.access.hosts, request)?;
    let public = is_public(request);
    check_origin(&server.access.hosts, request.headers(), public)?;
    if public {
        return Ok(());
    }
    let sent = request.headers().get(header::AUTHORIZATION);
    let sent = sent.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if !sent.is_some_and(|sent| server.access.token.is(sent)) {
        server.queue.totals.unauthorised.add(1);
        return Err(Refused::new(
            StatusCode::UNAUTHORIZED,
            "the token of this server is missing or wrong; open the address that the server printed at its start, or send \
             the header `Authorization: Bearer TOKEN`",
        ));
    }
    Ok(())
}

/// The page itself, which holds nothing of anyone.
fn is_public(request: &Request) -> bool {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads && (path == "/" || path.starts_with("/page/"))
}

/// The name before the port.
fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        // The colons of `[::1]` are inside of the brackets.
        Some(at) if !authority[at..].contains(']') => &authority[..at],
        _ => authority,
    }
}

fn is_known(hosts: &[String], authority: &str) -> bool {
    let name = without_port(authority);
    let mut known = LOCAL.into_iter().chain(hosts.iter().map(String::as_str));
    known.any(|known| known.eq_ignore_ascii_case(name))
}

fn check_host(hosts: &[String], request: &Request) -> Result<(), Refused> {
    let mut sent = request.headers().get_all(header::HOST).iter();
    let host = match (sent.next(), sent.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    match host {
        Some(host) if is_known(hosts, host) => Ok(()),
        Some(_) => Err(Refused::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer to the name in the header `Host`; use the address that it printed at its start, or add \
             the name to the hosts that it answers to",
        )),
        None => Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "the request needs one header `Host` with the name of this server",
        )),
    }
}

fn check_origin(hosts: &[String], headers: &HeaderMap, public: bool) -> Result<(), Refused> {
    let foreign = || {
        Refused::new(
            StatusCode::FORBIDDEN,
            "the request comes from a page of another site; use the page of this server",
        )
    };
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(header::ORIGIN) {
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        let host = text(header::HOST);
        let own = authority
            .is_some_and(|authority| Some(authority) == host && is_known(hosts, authority));
        if !own {
            return Err(foreign());
        }
    }
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let mode = text(HeaderName::from_static("sec-fetch-mode"));
    // A link on another page may lead to ours, which holds nothing without the token.
    let follows_link = public && mode == Some("navigate");
    match site {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if follows_link => Ok(()),
        Some(_) => Err(foreign()),
    }
}

fn secure(headers: &mut HeaderMap, encrypted: bool) {
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    };
    set("content-security-policy", POLICY);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set("x-frame-options", "DENY");
    set(
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    );
    if encrypted {
        set("strict-transport-security", "max-age=31536000");
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_their_port() {
        let hosts = ["scanner.example".to_owned()];
        for known in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
            "scanner.example:443",
        ] {
            assert!(is_known(&hosts, known), "{known}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "",
            "0.0.0.0:8080",
        ] {
            assert!(!is_known(&hosts, foreign), "{foreign}");
        }
    }
}
