; 128-bit multiply, divide and remainder for SBF, with LLVM 23's own calling convention.
;
; rustc's versions return an i128 through a pointer; LLVM 23's BPF back end calls these helpers and expects
; the value in registers. Linked against rustc's, a program would corrupt memory without a word.
; `tests/tests/conformance.rs` holds the answers against the host's.
target datalayout = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"
target triple = "bpfel"

define i128 @__multi3(i128 %a, i128 %b) #0 {
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %bl = trunc i128 %b to i64
  %bs = lshr i128 %b, 64
  %bh = trunc i128 %bs to i64
  %al0 = and i64 %al, 4294967295
  %al1 = lshr i64 %al, 32
  %bl0 = and i64 %bl, 4294967295
  %bl1 = lshr i64 %bl, 32
  %p00 = mul i64 %al0, %bl0
  %p01 = mul i64 %al0, %bl1
  %p10 = mul i64 %al1, %bl0
  %p11 = mul i64 %al1, %bl1
  %p00h = lshr i64 %p00, 32
  %m0 = add i64 %p10, %p00h
  %m0l = and i64 %m0, 4294967295
  %m1 = add i64 %p01, %m0l
  %p00l = and i64 %p00, 4294967295
  %m1s = shl i64 %m1, 32
  %lo = or i64 %m1s, %p00l
  %m0h = lshr i64 %m0, 32
  %m1h = lshr i64 %m1, 32
  %h0 = add i64 %p11, %m0h
  %h1 = add i64 %h0, %m1h
  %c0 = mul i64 %al, %bh
  %c1 = mul i64 %ah, %bl
  %h2 = add i64 %h1, %c0
  %hi = add i64 %h2, %c1
  %loz = zext i64 %lo to i128
  %hiz = zext i64 %hi to i128
  %his = shl i128 %hiz, 64
  %r = or i128 %his, %loz
  ret i128 %r
}

define internal { i128, i128 } @udivmod(i128 %n, i128 %d) #1 {
entry:
  %nh = lshr i128 %n, 64
  %dh = lshr i128 %d, 64
  %o = or i128 %nh, %dh
  %small = icmp eq i128 %o, 0
  br i1 %small, label %fast, label %slow
fast:
  %nl = trunc i128 %n to i64
  %dl = trunc i128 %d to i64
  %q64 = udiv i64 %nl, %dl
  %qm = mul i64 %q64, %dl
  %r64 = sub i64 %nl, %qm
  %fq = zext i64 %q64 to i128
  %fr = zext i64 %r64 to i128
  br label %done
slow:
  br label %loop
loop:
  %i = phi i64 [ 128, %slow ], [ %i1, %loop ]
  %rem = phi i128 [ 0, %slow ], [ %rem3, %loop ]
  %quo = phi i128 [ %n, %slow ], [ %quo2, %loop ]
  %top = lshr i128 %quo, 127
  %rem1 = shl i128 %rem, 1
  %rem2 = or i128 %rem1, %top
  %quo1 = shl i128 %quo, 1
  %ge = icmp uge i128 %rem2, %d
  %subd = select i1 %ge, i128 %d, i128 0
  %rem3 = sub i128 %rem2, %subd
  %bit = zext i1 %ge to i128
  %quo2 = or i128 %quo1, %bit
  %i1 = add i64 %i, -1
  %end = icmp eq i64 %i1, 0
  br i1 %end, label %done, label %loop
done:
  %q = phi i128 [ %fq, %fast ], [ %quo2, %loop ]
  %r = phi i128 [ %fr, %fast ], [ %rem3, %loop ]
  %s0 = insertvalue { i128, i128 } poison, i128 %q, 0
  %s1 = insertvalue { i128, i128 } %s0, i128 %r, 1
  ret { i128, i128 } %s1
}
define i128 @__udivti3(i128 %n, i128 %d) #0 {
  %s = call { i128, i128 } @udivmod(i128 %n, i128 %d)
  %q = extractvalue { i128, i128 } %s, 0
  ret i128 %q
}
define i128 @__umodti3(i128 %n, i128 %d) #0 {
  %s = call { i128, i128 } @udivmod(i128 %n, i128 %d)
  %r = extractvalue { i128, i128 } %s, 1
  ret i128 %r
}
define i128 @__divti3(i128 %n, i128 %d) #0 {
  %ns = ashr i128 %n, 127
  %ds = ashr i128 %d, 127
  %n1 = xor i128 %n, %ns
  %n2 = sub i128 %n1, %ns
  %d1 = xor i128 %d, %ds
  %d2 = sub i128 %d1, %ds
  %s = call { i128, i128 } @udivmod(i128 %n2, i128 %d2)
  %q = extractvalue { i128, i128 } %s, 0
  %qs = xor i128 %ns, %ds
  %q1 = xor i128 %q, %qs
  %q2 = sub i128 %q1, %qs
  ret i128 %q2
}
define i128 @__modti3(i128 %n, i128 %d) #0 {
  %ns = ashr i128 %n, 127
  %ds = ashr i128 %d, 127
  %n1 = xor i128 %n, %ns
  %n2 = sub i128 %n1, %ns
  %d1 = xor i128 %d, %ds
  %d2 = sub i128 %d1, %ds
  %s = call { i128, i128 } @udivmod(i128 %n2, i128 %d2)
  %r = extractvalue { i128, i128 } %s, 1
  %r1 = xor i128 %r, %ns
  %r2 = sub i128 %r1, %ns
  ret i128 %r2
}
attributes #0 = { noinline nounwind }
attributes #1 = { alwaysinline nounwind }
