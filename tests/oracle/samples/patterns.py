"""What every version since 3.10 compiles."""


def match_it(subject, /, limit=3):
    match subject:
        case 0 | 1 | None:
            return "small"
        case [first, *rest] if len(rest) < limit:
            return first, rest
        case {"key": value, **others}:
            return value, others
        case str() as text:
            return (size := len(text)), size
        case complex(real=0.0, imag=imaginary):
            return imaginary
        case _:
            return subject is not None and subject not in (1, 2)


def several(path):
    with (
        open(path) as one,
        open(path) as two,
    ):
        for line in one:
            if line:
                return line
            else:
                two.write(line)
