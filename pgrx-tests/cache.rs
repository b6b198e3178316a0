//! Caches of configuration inside one transaction. That other sessions hear of a change is for the
//! client tests of those who use the cache.

#[pgrx::pg_schema]
mod tests {
    use std::rc::Rc;

    use pgrx::prelude::*;

    use crate::cache::{Cache, read};
    use crate::error::Error;

    type Values = Cache<&'static str, Vec<String>>;

    /// What the table holds, and whether it had to be read.
    fn values(cache: &Values) -> (Vec<String>, bool) {
        let mut loaded = false;
        let values = cache.get("all", |sources| {
            loaded = true;
            let table = Spi::connect(|client| {
                client.select("SELECT 'public.setting'::regclass::oid", Some(1), &[])?.first().get_one::<pg_sys::Oid>()
            })?;
            sources.add(table.ok_or_else(|| Error::Internal("no table".to_owned()))?);
            let rows = read("SELECT v FROM public.setting WHERE v <> $1 ORDER BY v", &["hidden"])?;
            Ok::<_, Error>(rows.into_iter().flatten().flatten().collect())
        });
        (Rc::unwrap_or_clone(values.unwrap()), loaded)
    }

    fn owned(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    #[pg_test]
    fn an_entry_lives_until_its_table_changes() {
        Spi::run(
            "CREATE TABLE public.setting (v text); CREATE TABLE public.other (v text);
             CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.setting
                 FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
             INSERT INTO public.setting VALUES ('a'), ('hidden')",
        )
        .unwrap();
        let cache = Values::new();
        assert_eq!(values(&cache), (owned(&["a"]), true));
        assert_eq!(values(&cache), (owned(&["a"]), false));
        Spi::run("INSERT INTO public.other VALUES ('x'); ANALYZE public.other").unwrap();
        assert_eq!(values(&cache), (owned(&["a"]), false));
        Spi::run("INSERT INTO public.setting VALUES ('b')").unwrap();
        assert_eq!(values(&cache), (owned(&["a", "b"]), true));
        Spi::run("TRUNCATE public.setting").unwrap();
        assert_eq!(values(&cache), (owned(&[]), true));
    }

    /// What a rolled-back part of the transaction put into the cache goes with it.
    #[pg_test]
    fn an_entry_is_not_older_or_newer_than_what_counts() {
        Spi::run(
            "CREATE TABLE public.setting (v text);
             CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.setting
                 FOR EACH STATEMENT EXECUTE FUNCTION canon.configuration_changed();
             CREATE FUNCTION public.change_and_fail() RETURNS void LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO public.setting VALUES ('gone'); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
             INSERT INTO public.setting VALUES ('a')",
        )
        .unwrap();
        let cache = Values::new();
        assert_eq!(values(&cache).0, owned(&["a"]));
        Spi::run("SELECT public.change_and_fail()").unwrap();
        assert_eq!(values(&cache).0, owned(&["a"]));
    }

    #[pg_test]
    fn what_fails_to_load_is_not_kept() {
        let cache = Values::new();
        let failed = cache.get("all", |_| Err(Error::Internal("no".to_owned())));
        assert_eq!(failed.unwrap_err().to_string(), "no");
        assert_eq!(*cache.get("all", |_| Ok::<_, Error>(owned(&["b"]))).unwrap(), owned(&["b"]));
    }
}
