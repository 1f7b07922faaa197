package control

import "slices"

// sparing is table without columns it can do without, where it fits only without them: those that are given, the
// least worth first, and no more than must go.
func (p *page) sparing(indent int, rows [][]string, spare []int, numbers ...int) {
	for n := range len(spare) + 1 {
		gone := spare[:n]
		if left := without(rows, gone); p.fits(indent, left) {
			p.table(indent, left, moved(numbers, gone)...)
			return
		}
	}
	p.table(indent, rows, numbers...)
}

// without returns rows without some columns.
func without(rows [][]string, gone []int) [][]string {
	left := make([][]string, len(rows))
	for n, row := range rows {
		for i, cell := range row {
			if !slices.Contains(gone, i) {
				left[n] = append(left[n], cell)
			}
		}
	}
	return left
}

// moved returns where columns are once others are gone.
func moved(numbers, gone []int) []int {
	var left []int
	for _, i := range numbers {
		before := 0
		for _, g := range gone {
			if g < i {
				before++
			}
		}
		if !slices.Contains(gone, i) {
			left = append(left, i-before)
		}
	}
	return left
}

// fits reports whether each row has room on a line.
func (p *page) fits(indent int, rows [][]string) bool {
	all := indent - 2
	for i := range rows[0] {
		all += widest(rows, i) + 2
	}
	return all <= p.width
}

// widest returns how wide a column is.
func widest(rows [][]string, column int) int {
	most := 0
	for _, row := range rows {
		most = max(most, columns(row[column]))
	}
	return most
}
