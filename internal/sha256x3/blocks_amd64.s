#include "textflag.h"

// Words of the message are big endian: flip turns their bytes around.
DATA flip<>+0(SB)/8, $0x0405060700010203
DATA flip<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL flip<>(SB), RODATA|NOPTR, $16

// k are the constants of the rounds.
DATA k<>+0x00(SB)/8, $0x71374491428a2f98
DATA k<>+0x08(SB)/8, $0xe9b5dba5b5c0fbcf
DATA k<>+0x10(SB)/8, $0x59f111f13956c25b
DATA k<>+0x18(SB)/8, $0xab1c5ed5923f82a4
DATA k<>+0x20(SB)/8, $0x12835b01d807aa98
DATA k<>+0x28(SB)/8, $0x550c7dc3243185be
DATA k<>+0x30(SB)/8, $0x80deb1fe72be5d74
DATA k<>+0x38(SB)/8, $0xc19bf1749bdc06a7
DATA k<>+0x40(SB)/8, $0xefbe4786e49b69c1
DATA k<>+0x48(SB)/8, $0x240ca1cc0fc19dc6
DATA k<>+0x50(SB)/8, $0x4a7484aa2de92c6f
DATA k<>+0x58(SB)/8, $0x76f988da5cb0a9dc
DATA k<>+0x60(SB)/8, $0xa831c66d983e5152
DATA k<>+0x68(SB)/8, $0xbf597fc7b00327c8
DATA k<>+0x70(SB)/8, $0xd5a79147c6e00bf3
DATA k<>+0x78(SB)/8, $0x1429296706ca6351
DATA k<>+0x80(SB)/8, $0x2e1b213827b70a85
DATA k<>+0x88(SB)/8, $0x53380d134d2c6dfc
DATA k<>+0x90(SB)/8, $0x766a0abb650a7354
DATA k<>+0x98(SB)/8, $0x92722c8581c2c92e
DATA k<>+0xa0(SB)/8, $0xa81a664ba2bfe8a1
DATA k<>+0xa8(SB)/8, $0xc76c51a3c24b8b70
DATA k<>+0xb0(SB)/8, $0xd6990624d192e819
DATA k<>+0xb8(SB)/8, $0x106aa070f40e3585
DATA k<>+0xc0(SB)/8, $0x1e376c0819a4c116
DATA k<>+0xc8(SB)/8, $0x34b0bcb52748774c
DATA k<>+0xd0(SB)/8, $0x4ed8aa4a391c0cb3
DATA k<>+0xd8(SB)/8, $0x682e6ff35b9cca4f
DATA k<>+0xe0(SB)/8, $0x78a5636f748f82ee
DATA k<>+0xe8(SB)/8, $0x8cc7020884c87814
DATA k<>+0xf0(SB)/8, $0xa4506ceb90befffa
DATA k<>+0xf8(SB)/8, $0xc67178f2bef9a3f7
GLOBL k<>(SB), RODATA|NOPTR, $256

// LOAD brings a state, a to h, into the order of the instructions: a b e f, and c d g h. It is at DI. X15 is lost.
#define LOAD(at, s0, s1) \
	VMOVDQU at(DI), s0; \
	VMOVDQU (at+16)(DI), s1; \
	VPSHUFD $0xb1, s0, s0; \
	VPSHUFD $0x1b, s1, s1; \
	VMOVDQA s0, X15; \
	VPALIGNR $8, s1, s0, s0; \
	VPBLENDW $0xf0, X15, s1, s1

// STORE is its reverse.
#define STORE(at, s0, s1) \
	VPSHUFD $0x1b, s0, s0; \
	VPSHUFD $0xb1, s1, s1; \
	VMOVDQA s0, X15; \
	VPBLENDW $0xf0, s1, s0, s0; \
	VPALIGNR $8, X15, s1, s1; \
	VMOVDQU s0, at(DI); \
	VMOVDQU s1, (at+16)(DI)

// FOUR does four rounds: i of sixteen, with the words p for the first two states and q for the third. The first two
// share the sum of words and constants; all three are under way at once, since none waits for another.
#define FOUR(i, p, q) \
	VPADDD (i*16)(AX), p, X0; \
	SHA256RNDS2 X0, X1, X2; \
	SHA256RNDS2 X0, X3, X4; \
	VPSHUFD $0x0e, X0, X0; \
	SHA256RNDS2 X0, X2, X1; \
	SHA256RNDS2 X0, X4, X3; \
	VPADDD (i*16)(AX), q, X0; \
	SHA256RNDS2 X0, X5, X6; \
	VPSHUFD $0x0e, X0, X0; \
	SHA256RNDS2 X0, X6, X5

// NEXT ends the making of four words for rounds to come. X15 is lost.
#define NEXT(prev, cur, next) \
	VPALIGNR $4, prev, cur, X15; \
	VPADDD X15, next, next; \
	SHA256MSG2 cur, next

// LAST does four rounds and ends the making of the next words, WHOLE begins to make those after next, too.
#define LAST(i, p0, p1, p2, q0, q1, q2) \
	FOUR(i, p1, q1); \
	NEXT(p0, p1, p2); \
	NEXT(q0, q1, q2)

#define WHOLE(i, p0, p1, p2, q0, q1, q2) \
	LAST(i, p0, p1, p2, q0, q1, q2); \
	SHA256MSG1 p1, p0; \
	SHA256MSG1 q1, q0

// func blocks(states *[3][8]uint32, p, q *byte, n int)
TEXT ·blocks(SB), NOSPLIT, $96-32
	MOVQ states+0(FP), DI
	MOVQ p+8(FP), SI
	MOVQ q+16(FP), DX
	MOVQ n+24(FP), CX
	LEAQ k<>(SB), AX
	LOAD(0, X1, X2)
	LOAD(32, X3, X4)
	LOAD(64, X5, X6)

loop:
	VMOVDQU X1, 0(SP)
	VMOVDQU X2, 16(SP)
	VMOVDQU X3, 32(SP)
	VMOVDQU X4, 48(SP)
	VMOVDQU X5, 64(SP)
	VMOVDQU X6, 80(SP)
	VMOVDQU 0(SI), X7
	VMOVDQU 16(SI), X8
	VMOVDQU 32(SI), X9
	VMOVDQU 48(SI), X10
	VMOVDQU 0(DX), X11
	VMOVDQU 16(DX), X12
	VMOVDQU 32(DX), X13
	VMOVDQU 48(DX), X14
	VMOVDQU flip<>(SB), X15
	VPSHUFB X15, X7, X7
	VPSHUFB X15, X8, X8
	VPSHUFB X15, X9, X9
	VPSHUFB X15, X10, X10
	VPSHUFB X15, X11, X11
	VPSHUFB X15, X12, X12
	VPSHUFB X15, X13, X13
	VPSHUFB X15, X14, X14

	FOUR(0, X7, X11)
	FOUR(1, X8, X12)
	SHA256MSG1 X8, X7
	SHA256MSG1 X12, X11
	FOUR(2, X9, X13)
	SHA256MSG1 X9, X8
	SHA256MSG1 X13, X12
	WHOLE(3, X9, X10, X7, X13, X14, X11)
	WHOLE(4, X10, X7, X8, X14, X11, X12)
	WHOLE(5, X7, X8, X9, X11, X12, X13)
	WHOLE(6, X8, X9, X10, X12, X13, X14)
	WHOLE(7, X9, X10, X7, X13, X14, X11)
	WHOLE(8, X10, X7, X8, X14, X11, X12)
	WHOLE(9, X7, X8, X9, X11, X12, X13)
	WHOLE(10, X8, X9, X10, X12, X13, X14)
	WHOLE(11, X9, X10, X7, X13, X14, X11)
	WHOLE(12, X10, X7, X8, X14, X11, X12)
	LAST(13, X7, X8, X9, X11, X12, X13)
	LAST(14, X8, X9, X10, X12, X13, X14)
	FOUR(15, X10, X14)

	VPADDD 0(SP), X1, X1
	VPADDD 16(SP), X2, X2
	VPADDD 32(SP), X3, X3
	VPADDD 48(SP), X4, X4
	VPADDD 64(SP), X5, X5
	VPADDD 80(SP), X6, X6
	ADDQ $64, SI
	ADDQ $64, DX
	DECQ CX
	JNZ  loop
	STORE(0, X1, X2)
	STORE(32, X3, X4)
	STORE(64, X5, X6)
	RET

// func shaExtensions() bool
TEXT ·shaExtensions(SB), NOSPLIT, $0-1
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $29, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)
	RET
