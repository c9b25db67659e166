//! Lowers what holds for every call.

use serde_saphyr::Spanned;

use crate::diagnostic::Findings;
use crate::ir::{Endpoint, Fact, Gateway, Host, Link, LinkParameter, Root};
use crate::lower::field::Owner;
use crate::lower::{Names, source, twice};
use crate::raw::{Carrier, GatewayFile, Parsed};

pub(super) fn lower(
    file: &Parsed<GatewayFile>,
    names: &Names<'_>,
    findings: &mut Findings,
) -> Gateway {
    let raw = &file.content;
    let mut roots = Vec::new();
    for root in &raw.roots {
        let Some(object) = names.object(file, &root.value.object, findings) else { continue };
        let (source, description) = (source(&root.value.source), root.value.description.clone());
        let in_query = root.value.carried_by == Carrier::Query;
        roots.push(Root { object, in_query, source, description });
    }
    let owner = Owner::new("file", "gateway.yaml", None);
    Gateway {
        hosts: raw.hosts.iter().map(|host| lower_host(&host.value)).collect(),
        endpoints: raw
            .endpoints
            .iter()
            .map(|endpoint| Endpoint {
                name: endpoint.value.name.clone(),
                method: endpoint.value.method.clone(),
                path: endpoint.value.path.clone(),
                authenticated: endpoint.value.authenticated,
                source: source(&endpoint.value.source),
                description: endpoint.value.description.clone(),
            })
            .collect(),
        request_fields: names.fields(file, &owner, &[], &raw.request_fields, findings),
        reply_fields: names.fields(file, &owner, &[], &raw.reply_fields, findings),
        headers: facts(&raw.headers, |header| {
            let endpoints = header.endpoints.join(", ");
            let line = format!("`{}: {}` ({endpoints})", header.name, header.value);
            (format!("{line}. {}", header.description), &header.source)
        }),
        tokens: facts(&raw.tokens, |token| {
            let text =
                format!("`{}`: {} seconds. {}", token.name, token.seconds, token.description);
            (text, &token.source)
        }),
        error_keys: facts(&raw.error_keys, |keys| {
            let text = format!("{}: `{}`. {}", keys.name, keys.keys.join("`, `"), keys.description);
            (text, &keys.source)
        }),
        signing: facts(&raw.signing, |rule| (rule.rule.clone(), &rule.source)),
        sealing: facts(&raw.sealing, |rule| (rule.rule.clone(), &rule.source)),
        envelope: facts(&raw.envelope, |rule| (rule.rule.clone(), &rule.source)),
        reply_signature: facts(&raw.reply_signature, |reading| {
            (format!("`{}`: {}", reading.name, reading.description), &reading.source)
        }),
        links: lower_links(file, names, findings),
        roots,
    }
}

fn lower_host(host: &crate::raw::Host) -> Host {
    Host {
        name: host.name.clone(),
        url: host.url.clone(),
        source: source(&host.source),
        description: host.description.clone(),
    }
}

/// Rules in words: how each is said, and its source.
fn facts<T>(items: &[Spanned<T>], say: impl Fn(&T) -> (String, &String)) -> Vec<Fact> {
    let fact = |item: &Spanned<T>| {
        let (text, from) = say(&item.value);
        Fact { text, source: source(from) }
    };
    items.iter().map(fact).collect()
}

fn lower_links(
    file: &Parsed<GatewayFile>,
    names: &Names<'_>,
    findings: &mut Findings,
) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for link in &file.content.links {
        let (at, link) = (file.at(link), &link.value);
        if links.iter().any(|other| other.name == link.name) {
            twice(findings, &at, "link", &link.name);
        }
        for parameter in &link.parameters {
            if !link.template.contains(&format!("{{{}}}", parameter.name)) {
                findings.add(
                    &at,
                    format!("the template has no `{{{}}}`", parameter.name),
                    "put the parameter into the template or remove it",
                );
            }
        }
        links.push(Link {
            name: link.name.clone(),
            template: link.template.clone(),
            source: source(&link.source),
            description: link.description.clone(),
            quirks: names.quirks(file, &link.quirks, findings),
            parameters: link
                .parameters
                .iter()
                .map(|parameter| LinkParameter {
                    name: parameter.name.clone(),
                    sensitive: parameter.sensitive,
                    source: source(&parameter.source),
                    description: parameter.description.clone(),
                })
                .collect(),
        });
    }
    links
}
