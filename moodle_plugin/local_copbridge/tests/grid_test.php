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

use local_copbridge\local\grid;
use local_copbridge\local\hours;

/**
 * Tests of the grid.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\grid
 * @covers     \local_copbridge\output\grid_page
 */
final class grid_test extends \advanced_testcase {
    /** @var \stdClass the course */
    private \stdClass $course;

    /** @var int[] its activities */
    private array $cmids = [];

    /**
     * A course with a tracked and an untracked activity.
     */
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
        $this->course = $this->getDataGenerator()->create_course(['enablecompletion' => 1]);
        foreach ([COMPLETION_TRACKING_MANUAL, COMPLETION_TRACKING_NONE] as $completion) {
            $page = $this->getDataGenerator()->create_module('page', ['course' => $this->course->id,
                'name' => 'Reading & more'], ['completion' => $completion]);
            $this->cmids[] = (int) $page->cmid;
        }
    }

    /**
     * Hands the fields of both activities in.
     *
     * @param grid $grid
     * @param string[] $hours
     * @param string[] $seen
     * @return bool
     */
    private function take(grid $grid, array $hours, array $seen = ['', '']): bool {
        return $grid->take(
            array_combine($this->cmids, $hours),
            array_fill_keys($this->cmids, ''),
            array_combine($this->cmids, $seen)
        );
    }

    /**
     * Only what changed is written.
     */
    public function test_keep(): void {
        $grid = new grid($this->course);
        $this->assertTrue($this->take($grid, ['1.5', '']));
        $this->assertSame(1, $grid->keep(2));
        $this->assertSame('90:', hours::state(hours::of($this->cmids[0])));
        $grid = new grid($this->course);
        $this->assertTrue($this->take($grid, ['1.5', ''], ['90:', '']));
        $this->assertSame(0, $grid->keep(2));
    }

    /**
     * One wrong field, and nothing is written; what was typed is shown again.
     */
    public function test_problem(): void {
        $grid = new grid($this->course);
        $this->assertFalse($this->take($grid, ['1.5', 'x']));
        $this->assertSame(0, $grid->keep(2));
        $this->assertSame([], hours::of_course((int) $this->course->id));
        $this->assertSame('1.5', $grid->fields($this->cmids[0])['hours']);
        $this->assertSame('x', $grid->fields($this->cmids[1])['hours']);
        $this->assertSame([$this->cmids[1]], array_keys($grid->problems()));
    }

    /**
     * What somebody else changed meanwhile is shown before it is replaced.
     */
    public function test_conflict(): void {
        hours::set($this->cmids[0], 120, '', 2);
        $grid = new grid($this->course);
        $this->assertTrue($this->take($grid, ['', '1']));
        $grid = new grid($this->course);
        $this->assertFalse($this->take($grid, ['3', '1']));
        $this->assertArrayHasKey('hours', $grid->problems($this->cmids[0]));
        $grid = new grid($this->course);
        $this->assertTrue($this->take($grid, ['3', '1'], ['120:', '']));
        $this->assertSame(2, $grid->keep(2));
    }

    /**
     * Activities of other courses aren't touched, whatever is sent.
     */
    public function test_foreign_activity(): void {
        $other = $this->getDataGenerator()->create_course();
        $cmid = (int) $this->getDataGenerator()->create_module('page', ['course' => $other->id])->cmid;
        $grid = new grid($this->course);
        $grid->take([$cmid => '5'], [$cmid => ''], [$cmid => '']);
        $this->assertSame(0, $grid->keep(2));
        $this->assertNull(hours::of($cmid));
    }

    /**
     * What the page shows.
     */
    public function test_page(): void {
        global $PAGE;
        hours::set($this->cmids[0], 90, 'online', 2);
        hours::set($this->cmids[1], 60, '', 2);
        $PAGE->set_course($this->course);
        $renderer = $PAGE->get_renderer('core');
        $data = (new \local_copbridge\output\grid_page(new grid($this->course)))->export_for_template($renderer);
        $this->assertSame(['2.5', '1.5'], [$data['sum'], $data['tracked']]);
        $activities = array_merge(...array_column($data['sections'], 'activities'));
        $this->assertSame([true, false], array_column($activities, 'tracked'));
        $this->assertSame('Not tracked: earns nothing', $activities[1]['completion']);
        $html = $renderer->render_from_template('local_copbridge/grid', $data);
        $this->assertStringContainsString('Reading &amp; more', $html);
        $this->assertStringNotContainsString('&amp;amp;', $html);
        $this->assertStringContainsString('name="seen[' . $this->cmids[0] . ']" value="90:online"', $html);
    }
}
