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

use local_copbridge\local\outbox;

/**
 * Tests of the outbox, and of what the observer puts into it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\outbox
 */
final class outbox_test extends \advanced_testcase {
    /**
     * The short names of the events that wait.
     *
     * @return string[]
     */
    private static function waiting(): array {
        $short = static fn(\stdClass $row): string => substr($row->eventname, strrpos($row->eventname, '\\') + 1);
        return array_values(array_map($short, outbox::next(1000)));
    }

    public function test_only_chosen_courses(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course(['idnumber' => 'COP-1']);
        $other = $this->getDataGenerator()->create_course();
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-1', 'local_copbridge');
        $this->getDataGenerator()->create_and_enrol($other);
        $this->assertSame([], self::waiting());
        $user = $this->getDataGenerator()->create_and_enrol($course);
        $this->assertSame(['user_enrolment_created', 'role_assigned'], self::waiting());
        $rows = outbox::next(1);
        $row = reset($rows);
        $this->assertEquals([$course->id, $user->id, 0], [$row->courseid, $row->userid, $row->cmid]);
        $this->assertSame((int) $row->timecreated, outbox::oldest());
    }

    public function test_a_deleted_user_is_told_of_only_if_taking_part(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course(['idnumber' => 'COP-1']);
        $in = $this->getDataGenerator()->create_and_enrol($course);
        $out = $this->getDataGenerator()->create_user();
        set_config('scope', 'all', 'local_copbridge');
        delete_user($out);
        $this->assertSame([], self::waiting());
        delete_user($in);
        $this->assertSame('user_deleted', array_reverse(self::waiting())[0]);
    }

    public function test_a_deleted_course(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course(['idnumber' => 'COP-1']);
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-1', 'local_copbridge');
        delete_course($course, false);
        $this->assertContains('course_deleted', self::waiting());
    }

    public function test_any_value_becomes_json(): void {
        $this->resetAfterTest();
        $other = ['bad' => "a\xff\0b", 'backslash' => '\\u0000', 'number' => INF];
        outbox::note('\\local_copbridge\\event\\pinged', 0, 0, 0, $other);
        outbox::note('\\local_copbridge\\event\\pinged', 0, 0, 0, ['long' => str_repeat('x', 100000)]);
        [$first, $second] = array_values(outbox::next(2));
        $kept = json_decode($first->data)->other;
        $this->assertSame("a\u{fffd}b", $kept->bad);
        $this->assertSame('\\u0000', $kept->backslash);
        $this->assertNull(json_decode($second->data)->other);
    }

    public function test_a_failure_is_counted_and_not_thrown(): void {
        global $DB;
        $this->resetAfterTest();
        $real = $DB;
        $DB = $this->createMock(\moodle_database::class);
        foreach (['get_field', 'get_prefix', 'get_record', 'get_records_menu', 'set_field'] as $method) {
            $DB->method($method)->willReturnCallback($real->$method(...));
        }
        $DB->method('insert_record')->willReturnCallback(static function (string $table, $row) use ($real) {
            if ($table === 'local_copbridge_outbox') {
                throw new \dml_write_exception('full');
            }
            return $real->insert_record($table, $row);
        });
        try {
            outbox::note('\\local_copbridge\\event\\pinged', 0, 0, 0);
        } finally {
            $DB = $real;
        }
        $this->assertSame(0, outbox::waiting());
        $this->assertSame('1', get_config('local_copbridge', 'outboxfailures'));
    }

    public function test_the_dead_are_sent_again(): void {
        $this->resetAfterTest();
        outbox::note('\\local_copbridge\\event\\pinged', 2, 3, 4);
        outbox::note('\\local_copbridge\\event\\pinged', 2, 3, 5);
        $this->assertSame(2, outbox::on_their_way(2, 3));
        $rows = outbox::next(1);
        $row = reset($rows);
        outbox::bury($row, 'malformed');
        $this->assertSame([1, 1], [outbox::waiting(), count(outbox::dead(10))]);
        $this->assertSame('malformed', outbox::dead(1)[$row->id]->reason);
        $this->assertSame(1, outbox::retry([(int) $row->id]));
        $this->assertSame(2, outbox::waiting());
        $this->assertSame(0, outbox::discard());
    }
}
