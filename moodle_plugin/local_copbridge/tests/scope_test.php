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

use local_copbridge\local\scope;

/**
 * Tests of what is handed over.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\scope
 */
final class scope_test extends \advanced_testcase {
    public function test_nothing_by_default(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course();
        $this->assertFalse(scope::has_course((int) $course->id));
        $this->assertSame([], scope::courses());
    }

    public function test_by_pattern_and_category(): void {
        $this->resetAfterTest();
        $above = $this->getDataGenerator()->create_category();
        $below = $this->getDataGenerator()->create_category(['parent' => $above->id]);
        $one = (int) $this->getDataGenerator()->create_course(['idnumber' => 'COP-1'])->id;
        $two = (int) $this->getDataGenerator()->create_course(['shortname' => 'cop-2'])->id;
        $three = (int) $this->getDataGenerator()->create_course(['category' => $below->id])->id;
        $four = (int) $this->getDataGenerator()->create_course(['shortname' => 'xCOP-4'])->id;
        set_config('scope', 'chosen', 'local_copbridge');
        $this->assertFalse(scope::has_course($one));
        set_config('courses', "COP-*\r\n", 'local_copbridge');
        $this->assertTrue(scope::has_course($one));
        set_config('categories', (string) $above->id, 'local_copbridge');
        $this->assertSame([$one, $two, $three], scope::courses());
        $this->assertTrue(scope::has_course($three));
        $this->assertFalse(scope::has_course($four));
        $this->assertFalse(scope::has_course((int) SITEID));
    }

    public function test_a_known_answer_asks_nothing(): void {
        global $DB;
        $this->resetAfterTest();
        $course = (int) $this->getDataGenerator()->create_course(['idnumber' => 'COP-1'])->id;
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-1', 'local_copbridge');
        scope::has_course($course);
        $before = $DB->perf_get_queries();
        $this->assertTrue(scope::has_course($course));
        $this->assertSame($before, $DB->perf_get_queries());
    }

    public function test_a_changed_course_is_looked_at_again(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course(['idnumber' => 'OTHER']);
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-1', 'local_copbridge');
        $this->assertFalse(scope::has_course((int) $course->id));
        update_course((object) ['id' => $course->id, 'idnumber' => 'COP-1']);
        $this->assertTrue(scope::has_course((int) $course->id));
    }

    public function test_users(): void {
        $this->resetAfterTest();
        set_config('scope', 'all', 'local_copbridge');
        $course = $this->getDataGenerator()->create_course();
        $in = $this->getDataGenerator()->create_and_enrol($course);
        $out = $this->getDataGenerator()->create_user();
        $this->assertTrue(scope::has_user((int) $in->id));
        $this->assertFalse(scope::has_user((int) $out->id));
        set_config('scope', 'none', 'local_copbridge');
        $this->assertFalse(scope::has_user((int) $in->id));
    }
}
