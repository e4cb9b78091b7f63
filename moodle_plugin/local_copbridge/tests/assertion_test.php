<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\local\assertion;

/**
 * Tests of the word on who checks in.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\assertion
 */
final class assertion_test extends \advanced_testcase {
    /** @var string the secret of the vector */
    private const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

    /** @var string the state of the vector */
    private const STATE = 'abcdefABCDEF0123456789_-';

    /** @var string the assertion that docs/wire/README.md shows, and that the service's tests check, too */
    private const VECTOR = 'eyJ2IjoxLCJzaXRlIjoiZGVtbyIsImVwb2NoIjoiMDE5MGY1YTAtN2MxZS03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIiwidXNlciI6'
        . 'NDIsInN0YXRlIjoiYWJjZGVmQUJDREVGMDEyMzQ1Njc4OV8tIiwiaWF0IjoxNzYwMDAwMDAwLCJleHAiOjE3NjAwMDAxMjB9.qAd'
        . 'wSzbxQsYhsqZPfeTjGQnfebw3ajCKFiaQEvIGAvw';

    public function test_url_is_the_vector(): void {
        $this->resetAfterTest();
        $this->mock_clock_with_frozen(1760000000);
        set_config('endpoint', 'https://cop.example.org/base/webhooks/demo/events', 'local_copbridge');
        set_config('secret', self::SECRET, 'local_copbridge');
        set_config('epoch', '0190f5a0-7c1e-7000-8000-000000000001', 'local_copbridge');
        $this->assertSame(
            'https://cop.example.org/base/identify/demo?assertion=' . self::VECTOR,
            assertion::url(42, self::STATE)->out(false)
        );
    }

    public function test_another_secret_or_claim_signs_otherwise(): void {
        $claims = ['user' => 42];
        $one = explode('.', assertion::sign($claims, self::SECRET));
        $other = explode('.', assertion::sign($claims, 'whsec_' . base64_encode('another secret of some length')));
        $this->assertSame($one[0], $other[0]);
        $this->assertNotSame($one[1], $other[1]);
        $this->assertNotSame($one[1], explode('.', assertion::sign(['user' => 43], self::SECRET))[1]);
    }

    public function test_a_secret_that_is_none_signs_nothing(): void {
        $this->expectException(\coding_exception::class);
        assertion::sign(['user' => 42], 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    }

    public function test_states(): void {
        $this->assertTrue(assertion::is_state(self::STATE));
        $wrong = ['', str_repeat('a', 15), str_repeat('a', 129), self::STATE . "\n", self::STATE . '/', self::STATE . '&x=1'];
        foreach ($wrong as $state) {
            $this->assertFalse(assertion::is_state($state), $state);
        }
    }
}
