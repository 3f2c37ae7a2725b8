def total(rows):
    print "rows:", len(rows)
    return sum(rows)
