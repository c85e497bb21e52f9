package outbox

// heap is a binary heap that tells its elements where they stand, so that any
// of them can be taken out or moved in logarithmic time. An element knows one
// place per heap kind; -1 means that it is in none.
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
	at    func(T) *int
}

func (h *heap[T]) len() int { return len(h.items) }

// top gives the first element, or the zero value of an empty heap.
func (h *heap[T]) top() (first T) {
	if len(h.items) > 0 {
		first = h.items[0]
	}
	return first
}

func (h *heap[T]) push(x T) {
	h.items = append(h.items, x)
	*h.at(x) = len(h.items) - 1
	h.up(len(h.items) - 1)
}

func (h *heap[T]) pop() T {
	x := h.items[0]
	h.removeAt(0)
	return x
}

func (h *heap[T]) remove(x T) { h.removeAt(*h.at(x)) }

// fix puts x right after its order changed.
func (h *heap[T]) fix(x T) {
	i := *h.at(x)
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) removeAt(i int) {
	last := len(h.items) - 1
	x := h.items[i]
	h.swap(i, last)
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	if i < last && !h.down(i) {
		h.up(i)
	}
	*h.at(x) = -1
	if cap(h.items) > 64 && len(h.items) < cap(h.items)/4 {
		h.items = append(make([]T, 0, cap(h.items)/2), h.items...)
	}
}

func (h *heap[T]) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.at(h.items[i]), *h.at(h.items[j]) = i, j
}

func (h *heap[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap[T]) down(i int) bool {
	start := i
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if right := child + 1; right < len(h.items) && h.less(h.items[right], h.items[child]) {
			child = right
		}
		if !h.less(h.items[child], h.items[i]) {
			break
		}
		h.swap(i, child)
		i = child
	}
	return i > start
}
