//! What ships for running it holds to the program: no engine for images is needed to see that.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use twinwire_cli::settings;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    let mut value: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

/// Names of settings that a text sets, as `TWINWIRE_…=`, `TWINWIRE_…:` or `DATABASE_URL…`.
fn set(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit();
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| line.split(|c: char| !is_part(c)).map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| word.starts_with("TWINWIRE_") || word.starts_with("DATABASE_URL"))
        .collect()
}

#[test]
fn everything_that_is_shipped_sets_what_the_program_knows() {
    let known: BTreeSet<String> = settings::all()
        .into_iter()
        .flat_map(|setting| {
            let file = setting.secret.then(|| format!("{}_FILE", setting.variable()));
            [Some(setting.variable()), file].into_iter().flatten().collect::<Vec<_>>()
        })
        .collect();
    for path in ["Dockerfile", "docker-compose.yml", "deploy/example.env"] {
        let set = set(&file(path));
        assert!(!set.is_empty(), "{path} sets nothing");
        let unknown: Vec<_> = set.difference(&known).collect();
        assert!(unknown.is_empty(), "{path} sets {unknown:?}");
    }
}

/// An image by a version that does not move: not without a tag, not `latest`, not a bare major number.
fn is_pinned(image: &str) -> bool {
    let Some((_, tag)) = image.rsplit_once(':') else { return false };
    tag == "nonroot"
        || tag.trim_start_matches('v').split('-').next().is_some_and(|version| version.contains('.'))
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_checks_its_health_without_a_shell() {
    let dockerfile = file("Dockerfile").replace("\\\n", " ");
    let lines: Vec<&str> = dockerfile.lines().filter(|line| !line.starts_with('#')).collect();
    let of = |word: &str| {
        lines.iter().filter_map(|line| line.strip_prefix(word)).map(str::trim).collect::<Vec<_>>()
    };
    let images: Vec<&str> = of("FROM ").into_iter().map(|from| from.split(' ').next().unwrap()).collect();
    assert_eq!(images.len(), 2, "one to build, one to run");
    assert!(images.iter().all(|image| is_pinned(image)), "{images:?}");
    assert!(images[1].contains("distroless"), "{images:?}");
    let users = of("USER ");
    let user = users.last().unwrap().split(':').next().unwrap();
    assert!(user.parse::<u32>().unwrap() > 0, "a number, so that others can see that it is not root");
    let health = of("HEALTHCHECK ").remove(0);
    let command: Vec<String> = serde_json::from_str(health.split_once("CMD ").unwrap().1).unwrap();
    let entry: Vec<String> = serde_json::from_str(of("ENTRYPOINT ").remove(0)).unwrap();
    assert_eq!(command, [entry[0].as_str(), "healthcheck"]);
    let default: Vec<String> = serde_json::from_str(of("CMD ").remove(0)).unwrap();
    assert_eq!(default, ["serve"]);
    let port = of("EXPOSE ").remove(0);
    assert!(dockerfile.contains(&format!("TWINWIRE_LISTEN=0.0.0.0:{port}")));
    let rust =
        file("Cargo.toml").lines().find_map(|line| Some(line.strip_prefix("rust-version = \"")?.to_owned()));
    let rust = rust.unwrap();
    assert!(
        images[0].contains(rust.trim_end_matches('"')),
        "built with the version that is asked for: {images:?}"
    );
    // What is not named stays outside of the build, secrets first of all.
    let ignored = file(".dockerignore");
    assert!(ignored.lines().any(|line| line == "*"), "{ignored}");
    for needed in ["Cargo.lock", ".sqlx", "crates", "migrations", "tests"] {
        assert!(ignored.lines().any(|line| line == format!("!{needed}")), "{needed}");
    }
}

#[test]
fn the_services_are_the_two_roles_with_a_database_and_those_who_watch() {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_object().unwrap();
    for (name, service) in services {
        let image = service["image"].as_str().unwrap();
        assert!(is_pinned(image), "{name}: {image}");
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name} is open to the world: {port}");
        }
        for secret in service["secrets"].as_array().into_iter().flatten() {
            assert!(compose["secrets"][secret.as_str().unwrap()].is_object(), "{name}: {secret}");
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let there = if source.starts_with("./") {
                root().join(source).exists()
            } else {
                compose["volumes"].get(source).is_some()
            };
            assert!(there, "{name}: {source}");
        }
    }
    for role in ["api", "worker"] {
        let service = &services[role];
        assert_eq!(service["command"], serde_json::json!(["serve", "--role", role]));
        assert_eq!(service["depends_on"]["postgres"]["condition"], "service_healthy");
        assert_eq!(service["read_only"], true);
        assert_eq!(service["environment"]["TWINWIRE_SECRET_KEY_FILE"], "/run/secrets/secret_key");
    }
    let postgres = &services["postgres"];
    // While it sets itself up for the first time it answers on its socket alone.
    let health = postgres["healthcheck"]["test"].as_array().unwrap();
    assert!(health.iter().any(|word| word == "127.0.0.1"), "{health:?}");
    let built = services.values().filter(|service| service["build"].is_string()).count();
    assert_eq!(built, 1, "one image is built once");
    // A password in an address would have to be escaped, and stands in the environment for whoever looks.
    for service in services.values() {
        for (name, value) in service["environment"].as_object().into_iter().flatten() {
            let secret =
                settings::all().into_iter().find(|setting| setting.variable() == *name && setting.secret);
            let given = value.as_str().unwrap_or_default();
            assert!(secret.is_none() || given.starts_with("${"), "{name}");
        }
    }
    let most: u32 = postgres["command"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|word| word.as_str()?.strip_prefix("max_connections=")?.parse::<u32>().ok())
        .sum();
    assert!(most >= 5 * 33, "five processes, each with its pool, its queues and its jobs");
    for watcher in ["prometheus", "grafana"] {
        assert_eq!(
            services[watcher]["profiles"],
            serde_json::json!(["watch"]),
            "only who asks for it gets it"
        );
    }
    let metrics = services["api"]["environment"]["TWINWIRE_METRICS_LISTEN"].as_str().unwrap();
    let scraped = yaml("deploy/prometheus/prometheus.yml");
    let found = &scraped["scrape_configs"][0]["dns_sd_configs"][0];
    assert!(metrics.ends_with(&format!(":{}", found["port"])), "{metrics} is not what is read: {found}");
    assert_eq!(found["names"], serde_json::json!(["api", "worker"]));
    assert_eq!(scraped["rule_files"], serde_json::json!(["alerts.yml"]));
}

#[test]
fn every_alert_says_what_it_means_and_what_to_do_is_written_down() {
    let alerts = yaml("deploy/prometheus/alerts.yml");
    let (rules, operations) = (alerts["groups"][0]["rules"].as_array().unwrap(), file("docs/OPERATIONS.md"));
    assert!(rules.len() >= 7);
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(rule["expr"].as_str().is_some_and(|expr| expr.contains("twinwire_")), "{name}");
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        for words in ["summary", "description"] {
            assert!(
                rule["annotations"][words].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {words}"
            );
        }
        assert!(
            operations.contains(&format!("`{name}`")),
            "docs/OPERATIONS.md does not say what to do about {name}"
        );
    }
}

#[test]
fn the_dashboard_is_provisioned_and_whole() {
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/twinwire.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    let provider = yaml("deploy/grafana/provisioning/dashboards/twinwire.yml");
    let path = provider["providers"][0]["options"]["path"].as_str().unwrap();
    let compose = yaml("docker-compose.yml");
    let mounted = format!("./deploy/grafana:{path}:ro");
    let volumes = compose["services"]["grafana"]["volumes"].as_array().unwrap();
    assert!(volumes.iter().any(|volume| volume == mounted.as_str()), "{mounted} is not mounted");
    let source = yaml("deploy/grafana/provisioning/datasources/prometheus.yml");
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
}

#[test]
fn the_unit_keeps_the_program_in_its_own_folder() {
    let unit = file("deploy/systemd/twinwire.service");
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "User=twinwire",
        "StateDirectory=twinwire",
        "CapabilityBoundingSet=",
        // What it reads again is the file, and not an environment that was fixed at the start.
        "ExecStart=/usr/local/bin/twinwire --config /etc/twinwire/twinwire.toml serve",
        "ExecReload=/bin/kill -HUP $MAINPID",
    ] {
        assert!(unit.lines().any(|known| known == line), "{line}");
    }
    assert!(set(&unit).is_empty(), "a reload would not take these: {:?}", set(&unit));
    let given: BTreeMap<String, String> = file("deploy/systemd/twinwire.toml")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(" = ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    let known = settings::known();
    for name in given.keys() {
        let of_a_file = name.strip_suffix("_file").filter(|name| settings::is_secret(name));
        assert!(known.contains(name) || of_a_file.is_some(), "{name}");
        assert!(!settings::is_secret(name), "{name} stands in a file that is not its own");
    }
    // The token of commands is no server's.
    for secret in settings::all().into_iter().filter(|setting| setting.secret && setting.name != "token") {
        let named = given.get(&format!("{}_file", secret.name));
        assert_eq!(named, Some(&format!("/etc/twinwire/{}", secret.name)));
    }
    // Where systemd is at hand it says so itself. The program is not installed here, and stands in for itself.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("twinwire.service");
    let lines = unit.lines().filter(|line| !line.starts_with("Documentation="));
    let text = lines
        .map(|line| line.replace("/usr/local/bin/twinwire", crate::PROGRAM))
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&copy, text).unwrap();
    let Ok(ran) = Command::new("systemd-analyze").arg("verify").arg(&copy).output() else { return };
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!said.contains("twinwire.service"), "{said}");
}
