//! The small services.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn library_knows_its_version() {
        let version = Spi::get_one::<String>("SELECT canon.version()").unwrap();
        assert_eq!(version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    }

    /// PostgreSQL's own cast is the judge: `is_json` says yes exactly where the cast works.
    #[pg_test]
    fn is_json_agrees_with_the_cast() {
        for (text, expected) in [
            ("{}", true),
            (" [1, 2.5e3, \"a\\u00e9\", null] ", true),
            ("\"\\ud83d\\ude00\"", true),
            ("1e400", true),
            ("", false),
            ("{\"a\":}", false),
            ("{'a': 1}", false),
            ("[1] x", false),
            ("\"\\u0000\"", false),
            ("\"\\ud83d\"", false),
            ("1e999999", false),
            ("NaN", false),
        ] {
            let judged = Spi::get_one_with_args::<bool>("SELECT canon.is_json($1)", &[text.into()]).unwrap();
            assert_eq!(judged, Some(expected), "{text}");
            let cast = PgTryBuilder::new(|| {
                Spi::get_one_with_args::<bool>("SELECT $1::jsonb IS NOT NULL", &[text.into()]).is_ok()
            })
            .catch_others(|_| false)
            .execute();
            assert_eq!(cast, expected, "{text}");
        }
        assert_eq!(Spi::get_one::<bool>("SELECT canon.is_json(NULL)").unwrap(), None);
    }

    /// Depth is limited by the server's stack, not by a crash.
    #[pg_test(error = "stack depth limit exceeded")]
    fn is_json_survives_deep_nesting() {
        Spi::run("SELECT canon.is_json(repeat('[', 1000000))").unwrap();
    }

    #[pg_test]
    fn touch_stamps_every_kind_of_time() {
        Spi::run(
            "CREATE TABLE t (a int, updated_at timestamptz, local timestamp, day date);
             CREATE TRIGGER one BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
             CREATE TRIGGER two BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at('local', 'day');
             INSERT INTO t VALUES (1, '2000-01-01', '2000-01-01', '2000-01-01');
             UPDATE t SET a = 2, day = '1999-01-01'",
        )
        .unwrap();
        let stamped =
            Spi::get_one::<bool>("SELECT updated_at = now() AND local = localtimestamp AND day = current_date FROM t");
        assert_eq!(stamped.unwrap(), Some(true));
    }

    #[pg_test(error = "column \"updated_at\" of table public.t does not exist")]
    fn touch_names_the_missing_column() {
        Spi::run(
            "CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1);
             CREATE TRIGGER one BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
             UPDATE public.t SET a = 2",
        )
        .unwrap();
    }

    #[pg_test(error = "column \"a\" of table public.u holds no point in time")]
    fn touch_refuses_a_column_of_another_type() {
        Spi::run(
            "CREATE TABLE public.u (a int); INSERT INTO public.u VALUES (1);
             CREATE TRIGGER one BEFORE UPDATE ON public.u FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at('a');
             UPDATE public.u SET a = 2",
        )
        .unwrap();
    }

    #[pg_test(error = "canon.touch_updated_at() must be called by a BEFORE UPDATE trigger FOR EACH ROW")]
    fn touch_refuses_a_trigger_of_another_kind() {
        Spi::run(
            "CREATE TABLE public.v (updated_at timestamptz);
             CREATE TRIGGER one AFTER INSERT ON public.v FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();
             INSERT INTO public.v VALUES (now())",
        )
        .unwrap();
    }

    #[pg_test(error = "unrecognized configuration parameter \"canon.no_such_setting\"")]
    fn our_prefix_is_reserved() {
        // A custom name whose prefix is reserved is refused, not taken as a placeholder.
        Spi::run("SHOW canon.no_such_setting").unwrap();
    }
}
