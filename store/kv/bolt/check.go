package bolt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"

	"golang.org/x/sys/unix"
)

// The file format, as bbolt's own command-line tool documents it: two meta
// pages, then a tree of branch and leaf pages; a leaf element may be a bucket
// with a tree of its own. Numbers are in the byte order of the machine.
const (
	pageHeader = 16 // id u64, flags u16, count u16, overflow u32
	elementLen = 16 // branch: pos u32, ksize u32, id u64; leaf: flags, pos, ksize, vsize u32
	metaLen    = 64 // the part of a meta page after its header
	metaMagic  = 0xED0CDAED
	metaFormat = 2

	flagBranch, flagLeaf, flagMeta, flagFree = 1, 2, 4, 16

	bucketElement = 1
	bucketLen     = 16 // root id u64, sequence u64
	noFreelist    = ^uint64(0)

	maxPageSize = 1 << 24
	maxDepth    = 64
)

var native = binary.NativeEndian

type meta struct {
	pageSize             uint64
	root, free, end, txn uint64
}

// check reads everything that bbolt is about to trust: the meta pages, the
// length of the file, the list of free pages, and the whole tree. It costs about
// a millisecond per megabyte.
//
// Spare is what is wrong with the meta page that bbolt will not use. It writes
// the two in turn, so that this one may have been the newer.
func check(path string) (spare, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, sentence("open", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, sentence("open", path, err)
	}
	if info.Size() == 0 {
		return nil, damaged(path, "it is empty")
	}
	content, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, sentence("read", path, err)
	}
	c := checker{file: content}
	err = errors.Join(c.guarded(path), unix.Munmap(content))
	return c.spare, err
}

// guarded survives a disk that cannot be read.
func (c *checker) guarded(path string) (err error) {
	defer faults()()
	defer guard(path, &err, nil)
	if err := c.all(); err != nil {
		return damaged(path, "%w", err)
	}
	return nil
}

func (c *checker) all() error {
	if err := c.readMeta(); err != nil {
		return err
	}
	c.seen = make([]uint64, c.end/64+1)
	if err := c.checkFree(); err != nil {
		return err
	}
	return c.tree(c.root, nil, nil, 0)
}

type checker struct {
	meta
	file []byte
	seen []uint64 // one bit a page
	// spare is what is wrong with the meta page that is not used; nil: nothing.
	spare error
}

// readMeta takes the newer of the valid meta pages, as bbolt does, and holds
// the length of the file against it.
func (c *checker) readMeta() error {
	length := uint64(len(c.file))
	first, firstErr := c.metaAt(0)
	size := first.pageSize
	if firstErr != nil {
		size = 0
		for s := uint64(1024); s <= maxPageSize && s < length; s *= 2 {
			if m, err := c.metaAt(s); err == nil && m.pageSize == s {
				size = s
				break
			}
		}
		if size == 0 {
			return fmt.Errorf("it does not begin like a store: %w", firstErr)
		}
	}
	second, secondErr := c.metaAt(size)
	c.meta, c.spare = first, cmp.Or(firstErr, secondErr)
	if firstErr != nil || secondErr == nil && second.txn > first.txn {
		c.meta = second
	}
	if need := c.end * c.pageSize; length < need {
		return fmt.Errorf("it was cut off: it has %d bytes and needs %d", length, need)
	}
	if c.root < 2 || c.root >= c.end {
		return fmt.Errorf("its root is page %d of %d", c.root, c.end)
	}
	return nil
}

func (c *checker) metaAt(offset uint64) (m meta, err error) {
	if offset+pageHeader+metaLen > uint64(len(c.file)) {
		return m, errors.New("it is too short")
	}
	p := c.file[offset+pageHeader:]
	sum := fnv.New64a()
	sum.Write(p[:metaLen-8])
	switch {
	case native.Uint32(p) != metaMagic:
		return m, errors.New("the magic number is missing")
	case native.Uint32(p[4:]) != metaFormat:
		return m, fmt.Errorf("its format is %d, not %d", native.Uint32(p[4:]), metaFormat)
	case native.Uint64(p[56:]) != sum.Sum64():
		return m, errors.New("the checksum of its first page is wrong")
	}
	m = meta{
		pageSize: uint64(native.Uint32(p[8:])),
		root:     native.Uint64(p[16:]),
		free:     native.Uint64(p[32:]),
		end:      native.Uint64(p[40:]),
		txn:      native.Uint64(p[48:]),
	}
	if m.pageSize < 1024 || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0 || m.end > 1<<48 {
		return m, fmt.Errorf("its page size is %d", m.pageSize)
	}
	return m, nil
}

// checkFree reads the list of free pages, if there is one.
func (c *checker) checkFree() error {
	if c.free == noFreelist {
		return nil
	}
	if c.free < 2 || c.free >= c.end {
		return fmt.Errorf("its list of free pages is page %d of %d", c.free, c.end)
	}
	page, flags, count, err := c.load(c.free)
	if err != nil {
		return err
	}
	list := page[pageHeader:]
	n := uint64(count)
	if count == 0xFFFF {
		n, list = native.Uint64(list), list[8:]
	}
	if flags != flagFree || n > uint64(len(list))/8 {
		return fmt.Errorf("page %d is not its list of free pages", c.free)
	}
	last := uint64(1)
	for i := range n {
		id := native.Uint64(list[i*8:])
		if id <= last || id >= c.end {
			return fmt.Errorf("its list of free pages names page %d of %d", id, c.end)
		}
		if err := c.mark(id); err != nil {
			return err
		}
		last = id
	}
	return nil
}

// load is a page with its overflow, and marks it as used.
func (c *checker) load(id uint64) (page []byte, flags, count uint16, err error) {
	if id < 2 || id >= c.end {
		return nil, 0, 0, fmt.Errorf("it refers to page %d of %d", id, c.end)
	}
	page = c.file[id*c.pageSize:]
	pages := 1 + uint64(native.Uint32(page[12:]))
	if native.Uint64(page) != id || id+pages > c.end {
		return nil, 0, 0, fmt.Errorf("page %d has the number %d and %d pages", id, native.Uint64(page), pages)
	}
	for i := range pages {
		if err := c.mark(id + i); err != nil {
			return nil, 0, 0, err
		}
	}
	return page[:pages*c.pageSize], native.Uint16(page[8:]), native.Uint16(page[10:]), nil
}

func (c *checker) mark(id uint64) error {
	if c.seen[id/64]&(1<<(id%64)) != 0 {
		return fmt.Errorf("page %d is used twice", id)
	}
	c.seen[id/64] |= 1 << (id % 64)
	return nil
}

// tree walks the tree below a page: every page is used once, every key lies in
// order and in low ≤ key < high.
func (c *checker) tree(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d is deeper than a tree can be", id)
	}
	page, flags, count, err := c.load(id)
	if err != nil {
		return err
	}
	elements, err := parse(page, id, flags, count, low, high)
	if err != nil {
		return err
	}
	for i, e := range elements {
		if flags == flagLeaf {
			err = c.bucket(id, e.value, depth)
		} else {
			next := high
			if i+1 < len(elements) {
				next = elements[i+1].key
			}
			err = c.tree(e.child, e.key, next, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket walks into a leaf element that is a bucket.
func (c *checker) bucket(id uint64, value []byte, depth int) error {
	if len(value) < bucketLen {
		return fmt.Errorf("page %d has a bucket of %d bytes", id, len(value))
	}
	if root := native.Uint64(value); root != 0 {
		return c.tree(root, nil, nil, depth+1)
	}
	inline := value[bucketLen:]
	if len(inline) < pageHeader {
		return fmt.Errorf("page %d has a bucket of %d bytes", id, len(value))
	}
	_, err := parse(inline, id, native.Uint16(inline[8:]), native.Uint16(inline[10:]), nil, nil)
	return err
}

// element is a branch element, or a leaf element that is a bucket; others need
// no look after parse. It owns its slices.
type element struct {
	key, value []byte
	child      uint64
}

// parse holds a page's elements against its bounds and the order of keys, and
// returns those to follow.
func parse(page []byte, id uint64, flags, count uint16, low, high []byte) ([]element, error) {
	if flags != flagBranch && flags != flagLeaf {
		return nil, fmt.Errorf("page %d is neither branch nor leaf (%#x)", id, flags)
	}
	if flags == flagBranch && count == 0 || pageHeader+int(count)*elementLen > len(page) {
		return nil, fmt.Errorf("page %d has %d elements", id, count)
	}
	var follow []element
	var before []byte
	for i := range int(count) {
		at := uint64(pageHeader + i*elementLen)
		e := page[at:]
		var kind uint32
		pos, ksize, vsize := uint64(native.Uint32(e)), uint64(native.Uint32(e[4:])), uint64(0)
		if flags == flagLeaf {
			kind, pos, ksize, vsize = native.Uint32(e), uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
		}
		if at+pos+ksize+vsize > uint64(len(page)) {
			return nil, fmt.Errorf("element %d of page %d reaches beyond it", i, id)
		}
		key, value := page[at+pos:at+pos+ksize], page[at+pos+ksize:at+pos+ksize+vsize]
		if i > 0 && bytes.Compare(before, key) >= 0 || i == 0 && low != nil && bytes.Compare(low, key) > 0 || high != nil && bytes.Compare(key, high) >= 0 {
			return nil, fmt.Errorf("element %d of page %d is out of order", i, id)
		}
		before = key
		if flags == flagBranch {
			follow = append(follow, element{key: key, child: native.Uint64(e[8:])})
		} else if kind&bucketElement != 0 {
			follow = append(follow, element{value: value})
		}
	}
	return follow, nil
}
