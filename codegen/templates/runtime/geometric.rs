//! `point`, `line`, `lseg`, `box`, `path`, `polygon` and `circle`.

//[tokio-postgres]
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::wire::take;
use super::{SqlError, base};

//[/tokio-postgres]
/// A point in the plane.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// An infinite line: the points where `ax + by + c = 0`.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line {
    /// Factor of `x`.
    pub a: f64,
    /// Factor of `y`.
    pub b: f64,
    /// Constant.
    pub c: f64,
}

/// `lseg`: a finite piece of a line.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineSegment {
    /// One end.
    pub from: Point,
    /// The other end.
    pub to: Point,
}

/// `box`: a rectangle along the axes. PostgreSQL puts the corners in order.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rectangle {
    /// The corner with the greater coordinates.
    pub upper_right: Point,
    /// The corner opposite.
    pub lower_left: Point,
}

/// `circle`.
//@serde
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Circle {
    /// Its centre.
    pub center: Point,
    /// Its radius, not below 0.
    pub radius: f64,
}

/// `path`: points joined by lines.
//@serde
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// Whether the last point is joined to the first.
    pub closed: bool,
    /// The points in order.
    pub points: Vec<Point>,
}

/// `polygon`: the area inside a closed path.
//@serde
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polygon(
    /// The corners in order.
    pub Vec<Point>,
);
//[tokio-postgres]

fn write(out: &mut BytesMut, numbers: &[f64]) -> IsNull {
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes());
    }
    IsNull::No
}

fn write_points(out: &mut BytesMut, points: &[Point]) -> Result<IsNull, SqlError> {
    out.extend_from_slice(&i32::try_from(points.len())?.to_be_bytes());
    for point in points {
        write(out, &[point.x, point.y]);
    }
    Ok(IsNull::No)
}

fn number(raw: &mut &[u8]) -> Result<f64, SqlError> {
    Ok(f64::from_be_bytes(take(raw)?))
}

fn point(raw: &mut &[u8]) -> Result<Point, SqlError> {
    Ok(Point { x: number(raw)?, y: number(raw)? })
}

fn points(raw: &mut &[u8]) -> Result<Vec<Point>, SqlError> {
    let count = i32::from_be_bytes(take(raw)?);
    (0..count).map(|_| point(raw)).collect()
}

/// SQL conversions: how a value is written, and how it is read.
macro_rules! geometric {
    ($name:ident, $sql:ident, |$this:ident, $out:ident| $write:expr, |$raw:ident| $read:expr) => {
        impl ToSql for $name {
            fn to_sql(&self, _: &Type, $out: &mut BytesMut) -> Result<IsNull, SqlError> {
                let $this = self;
                $write
            }

            fn accepts(ty: &Type) -> bool {
                *base(ty) == Type::$sql
            }

            to_sql_checked!();
        }

        impl<'a> FromSql<'a> for $name {
            fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, SqlError> {
                let $raw = &mut raw;
                $read
            }

            fn accepts(ty: &Type) -> bool {
                *base(ty) == Type::$sql
            }
        }
    };
}

geometric!(Point, POINT, |p, out| Ok(write(out, &[p.x, p.y])), |raw| point(raw));
geometric!(Line, LINE, |l, out| Ok(write(out, &[l.a, l.b, l.c])), |raw| {
    Ok(Self { a: number(raw)?, b: number(raw)?, c: number(raw)? })
});
geometric!(LineSegment, LSEG, |s, out| Ok(write(out, &[s.from.x, s.from.y, s.to.x, s.to.y])), |raw| {
    Ok(Self { from: point(raw)?, to: point(raw)? })
});
geometric!(
    Rectangle,
    BOX,
    |r, out| Ok(write(out, &[r.upper_right.x, r.upper_right.y, r.lower_left.x, r.lower_left.y])),
    |raw| Ok(Self { upper_right: point(raw)?, lower_left: point(raw)? })
);
geometric!(Circle, CIRCLE, |c, out| Ok(write(out, &[c.center.x, c.center.y, c.radius])), |raw| {
    Ok(Self { center: point(raw)?, radius: number(raw)? })
});
geometric!(
    Path,
    PATH,
    |path, out| {
        out.extend_from_slice(&[u8::from(path.closed)]);
        write_points(out, &path.points)
    },
    |raw| {
        let [closed] = take::<1>(raw)?;
        Ok(Self { closed: closed != 0, points: points(raw)? })
    }
);
geometric!(Polygon, POLYGON, |p, out| write_points(out, &p.0), |raw| points(raw).map(Self));
//[/tokio-postgres]
