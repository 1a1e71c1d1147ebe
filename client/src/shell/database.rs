//! What to say of a PostgreSQL server that does not answer. Never its password.

use std::path::Path;

/// Where a database is said to be.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Host name or address.
    pub host: &'a str,
    pub port: u16,
    /// The Unix socket's folder, which is used instead of the host.
    pub socket: Option<&'a Path>,
    /// The database's name, if it was named.
    pub database: Option<&'a str>,
}

/// One sentence: which database, why not, and what to do.
pub fn unreachable(place: &Place<'_>, why: &str) -> String {
    let at = match place.socket {
        Some(folder) => format!("in {} (port {})", folder.display(), place.port),
        None => format!("at {}:{}", place.host, place.port),
    };
    let database = place.database.map(|name| format!(" {name:?}")).unwrap_or_default();
    format!(
        "the database{database} {at} cannot be reached ({why}); start PostgreSQL there, or name another database by \
         --database-url or its environment variable"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_place_and_the_remedy() {
        let place = Place { host: "db.example", port: 5433, socket: None, database: Some("muster") };
        let said = unreachable(&place, "connection refused");
        assert!(said.starts_with("the database \"muster\" at db.example:5433 cannot be reached (connection refused)"));
        assert!(said.contains("start PostgreSQL") && said.contains("--database-url"), "{said}");
        let socket = Place { socket: Some(Path::new("/run/pg")), database: None, ..place };
        assert!(unreachable(&socket, "no file").starts_with("the database in /run/pg (port 5433)"));
    }
}
