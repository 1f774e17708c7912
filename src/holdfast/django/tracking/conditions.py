"""Conditions in a syntax tree: which values a column must have for a row to matter."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from .statements import Source

#: Casts to these change no value that is an integer, a UUID or a text.
_PLAIN_TYPES = frozenset(
    {
        *exp.DataType.INTEGER_TYPES,
        exp.DataType.Type.UUID,
        exp.DataType.Type.TEXT,
        exp.DataType.Type.VARCHAR,
        exp.DataType.Type.DECIMAL,
    }
)


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The parts that must all hold."""
    while isinstance(condition, exp.Paren):
        condition = condition.this
    if condition is None:
        return
    if isinstance(condition, exp.And):
        yield from conjuncts(condition.this)
        yield from conjuncts(condition.expression)
    elif (
        isinstance(condition, exp.EQ)
        and isinstance(condition.this, exp.Tuple)
        and isinstance(condition.expression, exp.Tuple)
    ):
        # A primary key of several columns, on databases that compare rows.
        sides = zip(condition.this.expressions, condition.expression.expressions, strict=False)
        for left, right in sides:
            yield exp.EQ(this=left, expression=right)
    else:
        yield condition


def source(value: exp.Expr | None) -> Source | None:
    """Where a constant stands; None, if it is none."""
    negative = False
    while isinstance(value, exp.Paren | exp.Cast | exp.Neg):
        if isinstance(value, exp.Cast):
            if value.to.this not in _PLAIN_TYPES:
                return None
        elif isinstance(value, exp.Neg):
            negative = not negative
        value = value.this
    if isinstance(value, exp.Placeholder):
        slot = _slot(value)
        return None if slot is None or negative else Source(slot)
    if isinstance(value, exp.Null):
        return Source()
    if isinstance(value, exp.Literal):
        text = str(value.this)
        return Source(literal=f"-{text}" if negative else text)
    return None


def array(value: exp.Expr | None) -> Source | None:
    """Where a constant list stands: a parameter that is one."""
    while isinstance(value, exp.Paren | exp.Cast):
        value = value.this
    if isinstance(value, exp.Placeholder):
        slot = _slot(value)
        return None if slot is None else Source(slot, is_array=True)
    return None


def _slot(placeholder: exp.Placeholder) -> int | None:
    name = placeholder.this
    if isinstance(name, str) and name[:1] == "p" and name[1:].isdigit():
        return int(name[1:])
    return None


def columns_equal(condition: exp.Expr) -> tuple[exp.Column, exp.Column] | None:
    """Both sides, where two columns must be equal."""
    if isinstance(condition, exp.EQ):
        left, right = condition.this, condition.expression
        if isinstance(left, exp.Column) and isinstance(right, exp.Column):
            return left, right
    return None


def values_of(condition: exp.Expr) -> tuple[exp.Column, tuple[Source, ...]] | None:
    """A column, and the constants of which it must be one."""
    if isinstance(condition, exp.Paren):
        return values_of(condition.this)
    if isinstance(condition, exp.Or):
        return _either(condition)
    if isinstance(condition, exp.EQ):
        return _equal(condition.this, condition.expression) or _equal(
            condition.expression, condition.this
        )
    if isinstance(condition, exp.In):
        return _one_of(condition)
    if isinstance(condition, exp.Is) and isinstance(condition.expression, exp.Null):
        if isinstance(condition.this, exp.Column):
            return condition.this, (Source(),)
    return None


def _equal(column: exp.Expr, value: exp.Expr) -> tuple[exp.Column, tuple[Source, ...]] | None:
    if not isinstance(column, exp.Column):
        return None
    if isinstance(value, exp.Any):
        found = array(value.this)
    else:
        found = source(value)
        if found == Source():  # nothing equals NULL
            return None
    return None if found is None else (column, (found,))


def _one_of(condition: exp.In) -> tuple[exp.Column, tuple[Source, ...]] | None:
    column = condition.this
    if not isinstance(column, exp.Column) or condition.args.get("query") is not None:
        return None
    found = [source(value) for value in condition.expressions]
    if not found or any(each is None for each in found):
        return None
    return column, tuple(each for each in found if each is not None and each != Source())


def _either(condition: exp.Or) -> tuple[exp.Column, tuple[Source, ...]] | None:
    left, right = values_of(condition.this), values_of(condition.expression)
    if left is None or right is None or left[0] != right[0]:
        return None
    return left[0], left[1] + right[1]
