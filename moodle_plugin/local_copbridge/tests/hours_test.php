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

use local_copbridge\event\hours_updated;
use local_copbridge\local\hours;

/**
 * Tests of the declared hours.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\hours
 * @covers     \local_copbridge\event\hours_updated
 * @covers     \local_copbridge\hours_observer
 */
final class hours_test extends \advanced_testcase {
    /** @var \stdClass a course that is handed over */
    private \stdClass $course;

    /** @var int one of its activities */
    private int $cmid;

    /**
     * A course with one activity.
     */
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
        set_config('endpoint', 'https://cop.example.org/webhooks/site/events', 'local_copbridge');
        set_config('secret', 'whsec_' . base64_encode(str_repeat('k', 32)), 'local_copbridge');
        set_config('scope', 'all', 'local_copbridge');
        $this->course = $this->getDataGenerator()->create_course();
        $this->cmid = (int) $this->getDataGenerator()->create_module('page', ['course' => $this->course->id])->cmid;
    }

    /**
     * Declares, changes and takes back.
     */
    public function test_set(): void {
        $this->mock_clock_with_frozen(1760000000);
        hours::set($this->cmid, 90, 'online', 7);
        $row = hours::of($this->cmid);
        $this->assertEquals([90, 'online', 7, 1760000000], [$row->minutes, $row->component, $row->usermodified,
            $row->timemodified]);
        $this->assertEquals($this->course->id, $row->courseid);
        hours::set($this->cmid, 0, '', 8);
        $this->assertSame([$this->cmid], array_keys(hours::of_course((int) $this->course->id)));
        $this->assertSame('0:', hours::state(hours::of($this->cmid)));
        hours::set($this->cmid, null, '', 8);
        $this->assertNull(hours::of($this->cmid));
    }

    /**
     * Each change is in Moodle's log and goes to the service; what stays the same isn't a change.
     */
    public function test_change_is_told(): void {
        global $DB;
        $DB->delete_records('local_copbridge_outbox');
        $sink = $this->redirectEvents();
        hours::set($this->cmid, 90, 'online', 2);
        hours::set($this->cmid, 90, 'online', 2);
        hours::set($this->cmid, null, '', 2);
        $events = array_values(array_filter($sink->get_events(), fn($event): bool => $event instanceof hours_updated));
        $this->assertCount(2, $events);
        $this->assertSame(90, $events[0]->other['minutes']);
        $this->assertSame(90, $events[1]->other['minutesbefore']);
        $this->assertNull($events[1]->other['minutes']);
        $this->assertStringContainsString('from 90 minutes (online) to none', $events[1]->get_description());
        $rows = array_values($DB->get_records('local_copbridge_outbox', null, 'id'));
        $this->assertCount(2, $rows);
        $this->assertEquals($this->cmid, $rows[0]->cmid);
        $this->assertSame('\\' . hours_updated::class, $rows[0]->eventname);
    }

    /**
     * A course that isn't handed over keeps its hours to itself.
     */
    public function test_course_not_chosen(): void {
        global $DB;
        set_config('scope', 'none', 'local_copbridge');
        $DB->delete_records('local_copbridge_outbox');
        hours::set($this->cmid, 90, '', 2);
        $this->assertNotNull(hours::of($this->cmid));
        $this->assertSame(0, $DB->count_records('local_copbridge_outbox'));
    }

    /**
     * What is out of bounds isn't kept.
     *
     * @dataProvider out_of_bounds
     * @param int $minutes
     * @param string $component
     */
    public function test_out_of_bounds(int $minutes, string $component): void {
        $this->expectException(\invalid_parameter_exception::class);
        hours::set($this->cmid, $minutes, $component, 2);
    }

    /**
     * Amounts and codes that can't be.
     *
     * @return array[]
     */
    public static function out_of_bounds(): array {
        return [[-1, ''], [hours::MAX_MINUTES + 1, ''], [60, '-online'], [60, 'en línea'], [60, str_repeat('x', 41)]];
    }

    /**
     * The hours go with the activity.
     */
    public function test_module_deleted(): void {
        hours::set($this->cmid, 90, '', 2);
        course_delete_module($this->cmid);
        $this->assertNull(hours::of($this->cmid));
    }

    /**
     * The hours go with the course.
     */
    public function test_course_deleted(): void {
        global $DB;
        hours::set($this->cmid, 90, '', 2);
        delete_course($this->course, false);
        $this->assertSame(0, $DB->count_records('local_copbridge_hours'));
    }
}
